#compdef sluice
# zsh completion for sluice

# Names come from the daemon, if one answers; nothing is said otherwise.
_sluice_pipelines() {
  local -a names
  names=(${(f)"$(sluice status --json 2>/dev/null | sed -n '/^  "pipelines"/,/^  \]/s/^      "name": "\(.*\)",*$/\1/p')"})
  compadd -a names
}
_sluice_runs() {
  local -a ids
  ids=(${(f)"$(sluice runs --limit 100 2>/dev/null | sed -n '1!s/ .*//p')"})
  compadd -a ids
}

_sluice() {
  local -a where commands
  where=(
    '(--url --config)--socket[Unix socket of the daemon]:path:_files'
    '(--socket --config)--url[URL of the daemon]:url:'
    '(--socket --url)--config[configuration of the daemon]:file:_files'
    '--json[print what the API answers]'
    '(-h --help)'{-h,--help}'[print help]'
  )
  commands=(
    'serve:run the daemon'
    'check-config:check a configuration file'
    'runs:list runs'
    'show:show one run'
    'logs:print the log of a run'
    'history:every digest of an upstream tag and what became of it'
    'status:the daemon and its pipelines at a glance'
    'run:look at an upstream now and start a run'
    'hold:stage and check new images, promote none'
    'resume:let upstream flow again'
    'rollback:promote an earlier digest again, and hold'
    'cancel:end a run that has not begun to promote'
    'backup:copy the database'
    'webhooks:set up and try senders of webhooks'
    'version:print the version'
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  local command=$words[2]
  shift words
  (( CURRENT-- ))
  case $command in
    serve) _arguments '--config[configuration file]:file:_files' ;;
    check-config) _arguments '--json[print the mistakes as JSON]' '1:file:_files' ;;
    runs)
      _arguments $where '--status[only this status]:status:(Queued Running Waiting Succeeded Rejected Failed Superseded Cancelled)' \
        '--task[only this pipeline or dependent]:name:_sluice_pipelines' '--limit[at most this many]:number:' \
        '(-w --watch)'{-w,--watch}'[keep the list live]'
      ;;
    show | cancel) _arguments $where '1:run:_sluice_runs' ;;
    logs) _arguments $where '(-f --follow)'{-f,--follow}'[go on until the run has ended]' '1:run:_sluice_runs' ;;
    history)
      _arguments $where '--at[at this time]:time:' '--limit[at most this many]:number:' '--full[whole digests]' \
        '1:pipeline:_sluice_pipelines'
      ;;
    status) _arguments $where ;;
    run) _arguments $where '--wait[follow the run to its end]' '1:pipeline:_sluice_pipelines' ;;
    hold) _arguments $where '--reason[why]:text:' '1:pipeline:_sluice_pipelines' ;;
    resume) _arguments $where '1:pipeline:_sluice_pipelines' ;;
    rollback) _arguments $where '--to[run or digest]:run:_sluice_runs' '1:pipeline:_sluice_pipelines' ;;
    backup) _arguments $where '1:file:_files' ;;
    webhooks)
      _arguments '1:what:(url test)' '2:webhook:' '--config[configuration file]:file:_files' '--payload[file with the body]:file:_files' \
        '--headers[file with the headers]:file:_files' '--reveal[print the secret in the address]' '--json[print JSON]'
      ;;
  esac
}

_sluice "$@"

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
    'watch:write a pipeline for an image into the configuration'
    'import-config:make a configuration of that of another tool'
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
    'copy:copy an image from anywhere to anywhere'
    'inspect:show an image of a registry'
    'digest:print the digest that a tag names'
    'tags:list the tags of a repository'
    'login:try a password at a registry and keep it'
    'logout:forget the login for a registry'
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
    watch)
      _arguments '--config[configuration file]:file:_files' '--name[name of the pipeline]:name:' '--staging[where it is staged]:repository:' \
        '--to[where it is promoted to]:repository:' '--every[how often it is looked at]:duration:' '--dry-run[only show it]' \
        '--json[print it as JSON]' '1:image:'
      ;;
    import-config)
      _arguments '--from[whose files these are]:tool:(diun dregsy keel regsync renovate)' '--out[file to write]:file:_files' \
        '--staging[before the names of staging repositories]:prefix:' '--to[before the names of targets]:prefix:' \
        '--json[print it as JSON]' '*:file:_files'
      ;;
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
    status) _arguments $where '--members[with the tags of sets]' ;;
    run) _arguments $where '--wait[follow the run to its end]' '1:pipeline:_sluice_pipelines' ;;
    hold) _arguments $where '--reason[why]:text:' '1:pipeline:_sluice_pipelines' ;;
    resume) _arguments $where '1:pipeline:_sluice_pipelines' ;;
    rollback) _arguments $where '--to[run or digest]:run:_sluice_runs' '1:pipeline:_sluice_pipelines' ;;
    login)
      _arguments '(-u --username)'{-u,--username}'[user name]:user:' '--password-stdin[read the password from standard input]' \
        '--authfile[where logins are kept]:file:_files' '--ca[authority to trust]:file:_files' \
        '--config[configuration with registries]:file:_files' '1:registry:'
      ;;
    copy)
      _arguments '*--platform[only the image for this platform]:os/arch:' '--referrers[bring signatures, SBOMs and attestations]' \
        '--thorough[look at each blob]' '--foreign-layers[layers that live elsewhere]:policy:(skip copy)' \
        '--force[replace an archive that is there]' '--plan[only say what would move]' '(-q --quiet)'{-q,--quiet}'[no progress]' \
        '--list[copy each line of a file]:file:_files' '--jobs[at once]:number:' '--retries[further tries]:number:' '--config[configuration]:file:_files' \
        '--json[print the result as JSON]' '1:source:' '2:target:'
      ;;
    inspect)
      _arguments '--platform[the image for this platform]:os/arch:' '--referrers[with what refers to it]' \
        '(--image-config)--raw[exact bytes of the manifest]' '(--raw)--image-config[exact bytes of the image config]' \
        '--config[configuration]:file:_files' '--json[print the result as JSON]' '1:image:'
      ;;
    digest)
      _arguments '--platform[of the image for this platform]:os/arch:' '--config[configuration]:file:_files' \
        '--json[print the result as JSON]' '1:image:'
      ;;
    tags)
      _arguments '*--glob[only tags that fit]:glob:' '*--exclude[without tags that fit]:glob:' '--newest[only so many of the newest]:number:' \
        '--match[only tags that match]:pattern:' '--semver[only versions in this range]:range:' \
        '--pre-releases[with pre-releases]' '--config[configuration]:file:_files' '--json[print the result as JSON]' '1:repository:'
      ;;
    logout) _arguments '--authfile[where logins are kept]:file:_files' '1:registry:' ;;
    backup) _arguments $where '1:file:_files' ;;
    webhooks)
      _arguments '1:what:(url test)' '2:webhook:' '--config[configuration file]:file:_files' '--payload[file with the body]:file:_files' \
        '--headers[file with the headers]:file:_files' '--reveal[print the secret in the address]' '--json[print JSON]'
      ;;
  esac
}

_sluice "$@"

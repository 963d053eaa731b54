# bash completion for sluice

# Names come from the daemon, if one answers; nothing is said otherwise.
_sluice_pipelines() { sluice status --json 2>/dev/null | sed -n '/^  "pipelines"/,/^  \]/s/^      "name": "\(.*\)",*$/\1/p'; }
_sluice_runs() { sluice runs --limit 100 2>/dev/null | sed -n '1!s/ .*//p'; }

_sluice() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} command='' i
  local where='--socket --url --config --json --help' words=''
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    if [[ ${COMP_WORDS[i]} != -* ]]; then
      command=${COMP_WORDS[i]}
      break
    fi
  done
  case $previous in
    --config | --socket | --authfile | --ca | --payload | --headers | --out | --list)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      return
      ;;
    --status)
      words='Queued Running Waiting Succeeded Rejected Failed Superseded Cancelled'
      mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
      return
      ;;
    --from)
      mapfile -t COMPREPLY < <(compgen -W 'diun dregsy keel regsync renovate' -- "$current")
      return
      ;;
    --foreign-layers)
      mapfile -t COMPREPLY < <(compgen -W 'skip copy' -- "$current")
      return
      ;;
    --reason | --name | --staging | --every | --at | --limit | --url | --platform | --glob | --exclude | --match | --semver | --newest | --jobs | --retries | --username | -u) return ;;
    --task) words=$(_sluice_pipelines) ;;
    --to) [[ $command == rollback ]] && words=$(_sluice_runs) ;;
    *)
      if [[ $command =~ ^(import-config|check-config|backup)$ && $current != -* ]]; then
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
        return
      fi
      case $command in
        '') words='serve check-config watch import-config runs show logs history status run hold resume rollback cancel backup copy inspect digest tags login logout webhooks version --help --version' ;;
        runs) words="$where --status --task --limit --watch" ;;
        status) words="$where --members" ;;
        show | cancel) words="$where $(_sluice_runs)" ;;
        logs) words="$where --follow $(_sluice_runs)" ;;
        history) words="$where --at --limit --full $(_sluice_pipelines)" ;;
        run) words="$where --wait $(_sluice_pipelines)" ;;
        hold) words="$where --reason $(_sluice_pipelines)" ;;
        resume) words="$where $(_sluice_pipelines)" ;;
        rollback) words="$where --to $(_sluice_pipelines)" ;;
        login) words='--username --password-stdin --authfile --ca --config --help' ;;
        logout) words='--authfile --help' ;;
        copy) words='--platform --referrers --thorough --foreign-layers --force --plan --quiet --list --jobs --retries --config --json --help oci: oci-archive: docker-archive:' ;;
        inspect) words='--platform --referrers --raw --image-config --config --json --help oci: oci-archive: docker-archive:' ;;
        digest) words='--platform --config --json --help oci: oci-archive: docker-archive:' ;;
        tags) words='--glob --exclude --match --semver --pre-releases --newest --config --json --help oci: oci-archive: docker-archive:' ;;
        watch) words='--config --name --staging --to --every --dry-run --json --help' ;;
        import-config) words='--from --out --staging --to --json --help' ;;
        serve) words='--config --help' ;;
        webhooks) words='url test --config --reveal --payload --headers --json --help' ;;
        check-config) words='--json --help' ;;
        backup) words=$where ;;
      esac
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
}
complete -o filenames -F _sluice sluice

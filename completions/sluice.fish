# fish completion for sluice

# Names come from the daemon, if one answers; nothing is said otherwise.
function __sluice_pipelines
    sluice status --json 2>/dev/null | sed -n '/^  "pipelines"/,/^  \]/s/^      "name": "\(.*\)",*$/\1/p'
end
function __sluice_runs
    sluice runs --limit 100 2>/dev/null | sed -n '1!s/ .*//p'
end

set -l commands serve check-config runs show logs history status run hold resume rollback cancel backup copy inspect digest tags login logout webhooks version
set -l askers runs show logs history status run hold resume rollback cancel backup
complete -c sluice -f
complete -c sluice -s h -l help -d 'print help'
complete -c sluice -s V -l version -d 'print the version'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a serve -d 'run the daemon'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a check-config -d 'check a configuration file'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a runs -d 'list runs'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a show -d 'show one run'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a logs -d 'print the log of a run'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a history -d 'every digest of an upstream tag'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a status -d 'the daemon at a glance'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a run -d 'start a run by hand'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a hold -d 'stage and check new images, promote none'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a resume -d 'let upstream flow again'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a rollback -d 'promote an earlier digest again, and hold'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a cancel -d 'end a run that has not begun to promote'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a backup -d 'copy the database'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a copy -d 'copy an image from anywhere to anywhere'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a inspect -d 'show an image of a registry'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a digest -d 'print the digest that a tag names'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a tags -d 'list the tags of a repository'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a login -d 'try a password at a registry and keep it'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a logout -d 'forget the login for a registry'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a webhooks -d 'set up and try senders of webhooks'
complete -c sluice -n "not __fish_seen_subcommand_from $commands" -a version -d 'print the version'

complete -c sluice -n "__fish_seen_subcommand_from $askers" -l socket -r -F -d 'Unix socket of the daemon'
complete -c sluice -n "__fish_seen_subcommand_from $askers" -l url -x -d 'URL of the daemon'
complete -c sluice -n "__fish_seen_subcommand_from $askers serve" -l config -r -F -d 'configuration file'
complete -c sluice -n "__fish_seen_subcommand_from $askers check-config" -l json -d 'print JSON'
complete -c sluice -n '__fish_seen_subcommand_from check-config backup' -F
complete -c sluice -n '__fish_seen_subcommand_from copy inspect digest tags' -l config -r -F -d 'configuration file'
complete -c sluice -n '__fish_seen_subcommand_from copy inspect digest tags' -l json -d 'print JSON'
complete -c sluice -n '__fish_seen_subcommand_from copy inspect digest' -l platform -x -d 'os/arch'
complete -c sluice -n '__fish_seen_subcommand_from copy inspect' -l referrers -d 'signatures, SBOMs and attestations'
complete -c sluice -n '__fish_seen_subcommand_from copy' -l thorough -d 'look at each blob'
complete -c sluice -n '__fish_seen_subcommand_from copy' -l plan -d 'only say what would move'
complete -c sluice -n '__fish_seen_subcommand_from copy' -s q -l quiet -d 'no progress'
complete -c sluice -n '__fish_seen_subcommand_from copy' -l list -r -F -d 'copy each line of a file'
complete -c sluice -n '__fish_seen_subcommand_from copy' -l jobs -x -d 'at once'
complete -c sluice -n '__fish_seen_subcommand_from copy' -l retries -x -d 'further tries'
complete -c sluice -n '__fish_seen_subcommand_from inspect' -l raw -d 'exact bytes of the manifest'
complete -c sluice -n '__fish_seen_subcommand_from inspect' -l image-config -d 'exact bytes of the image config'
complete -c sluice -n '__fish_seen_subcommand_from tags' -l match -x -d 'only tags that match'
complete -c sluice -n '__fish_seen_subcommand_from tags' -l semver -x -d 'only versions in this range'
complete -c sluice -n '__fish_seen_subcommand_from tags' -l pre-releases -d 'with pre-releases'
complete -c sluice -n '__fish_seen_subcommand_from login' -s u -l username -x -d 'user name'
complete -c sluice -n '__fish_seen_subcommand_from login' -l password-stdin -d 'read the password from standard input'
complete -c sluice -n '__fish_seen_subcommand_from login' -l ca -r -F -d 'authority to trust'
complete -c sluice -n '__fish_seen_subcommand_from login logout' -l authfile -r -F -d 'where logins are kept'
complete -c sluice -n '__fish_seen_subcommand_from show logs cancel' -a '(__sluice_runs)'
complete -c sluice -n '__fish_seen_subcommand_from history run hold resume rollback' -a '(__sluice_pipelines)'
complete -c sluice -n '__fish_seen_subcommand_from runs' -l status -x -a 'Queued Running Waiting Succeeded Rejected Failed Superseded Cancelled'
complete -c sluice -n '__fish_seen_subcommand_from runs' -l task -x -a '(__sluice_pipelines)'
complete -c sluice -n '__fish_seen_subcommand_from runs history' -l limit -x
complete -c sluice -n '__fish_seen_subcommand_from runs' -s w -l watch -d 'keep the list live'
complete -c sluice -n '__fish_seen_subcommand_from logs' -s f -l follow -d 'go on until the run has ended'
complete -c sluice -n '__fish_seen_subcommand_from history' -l at -x -d 'at this time'
complete -c sluice -n '__fish_seen_subcommand_from history' -l full -d 'whole digests'
complete -c sluice -n '__fish_seen_subcommand_from run' -l wait -d 'follow the run to its end'
complete -c sluice -n '__fish_seen_subcommand_from hold' -l reason -x -d why
complete -c sluice -n '__fish_seen_subcommand_from rollback' -l to -x -a '(__sluice_runs)'
complete -c sluice -n '__fish_seen_subcommand_from webhooks' -a 'url test'
complete -c sluice -n '__fish_seen_subcommand_from webhooks' -l config -r -F -d 'configuration file'
complete -c sluice -n '__fish_seen_subcommand_from webhooks' -l payload -r -F -d 'file with the body'
complete -c sluice -n '__fish_seen_subcommand_from webhooks' -l headers -r -F -d 'file with the headers'
complete -c sluice -n '__fish_seen_subcommand_from webhooks' -l reveal -d 'print the secret in the address'
complete -c sluice -n '__fish_seen_subcommand_from webhooks' -l json -d 'print JSON'

"""`sluice login` and `logout`, with skopeo as the other side of the file; and the daemon with logins of other tools."""

import base64
import json
import os
import pty
import signal
import stat
import subprocess
import termios
import unittest
import urllib.error
import urllib.request

import images
from daemon import PROGRAM, wait_until
from harness import Scene
from registry import Registry

PASSWORD = "canary-password-71c0e8"
AUTH = base64.b64encode(f"bot:{PASSWORD}".encode()).decode()

# A credential helper as docker/docker-credential-helpers describes them; it keeps everything in one JSON file.
HELPER = """#!/usr/bin/env python3
import json, os, sys
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kept.json")
kept = json.load(open(path)) if os.path.exists(path) else {}
verb, text = sys.argv[1], sys.stdin.read().strip()
with open(path + ".calls", "a") as calls:
    calls.write(verb + "\\n")
if verb == "store":
    entry = json.loads(text)
    kept[entry["ServerURL"]] = entry
elif verb == "erase":
    kept.pop(text, None)
elif text in kept:
    print(json.dumps(kept[text]))
else:
    print("credentials not found in native keychain")
    sys.exit(1)
json.dump(kept, open(path, "w"))
"""


class LockedRegistry(Registry):
    """Lets in nobody but bot."""

    def __init__(self, folder, name):
        super().__init__(folder, name)
        people = os.path.join(self.folder, "people")
        with open(people, "w", encoding="utf-8") as file:
            subprocess.run(["htpasswd", "-Bbn", "-C", "4", "bot", PASSWORD], stdout=file, check=True)
        with open(os.path.join(self.folder, "config.yml"), "a", encoding="utf-8") as file:
            file.write(f"auth:\n  htpasswd: {{realm: tests, path: {people}}}\n")

    def _answers(self):
        try:
            urllib.request.urlopen(f"http://{self.host}/v2/", timeout=5).close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code == 401
        except OSError:
            return False
        return True


class Login(Scene):
    registries = ("central",)

    def setUp(self):
        super().setUp()
        self.upstream = self.locked = LockedRegistry(self.folder, "locked")
        self.addCleanup(self.locked.close)
        self.locked.start()
        self.auth = self.file("auth.json")
        # Nothing of the machine's own logins is seen or changed.
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": self.file("home"),
            "DOCKER_CONFIG": self.file("docker"),
            "REGISTRY_AUTH_FILE": self.auth,
        }
        os.makedirs(self.environment["HOME"])

    def sluice(self, *arguments, text="", code=0):
        done = subprocess.run(
            [PROGRAM, *arguments], input=text, capture_output=True, text=True, timeout=60, env=self.environment
        )
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn(PASSWORD, done.stdout + done.stderr)
        self.assertNotIn(AUTH, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def login(self, *more, password=PASSWORD, code=0):
        arguments = ("login", self.locked.host, "--username", "bot", "--password-stdin", *more)
        return self.sluice(*arguments, text=password + "\n", code=code)

    def skopeo(self, *arguments, **more):
        return subprocess.run(
            ["skopeo", *arguments], capture_output=True, text=True, timeout=60, env=self.environment, **more
        )

    def push(self, path="library/node:9-alpine"):
        one = images.random_image()
        with_login = f"--dest-creds=bot:{PASSWORD}"
        folder = self.file("layout")
        images.write_layout(folder, one)
        self.skopeo("copy", "--dest-tls-verify=false", with_login, "oci:" + folder, f"docker://{self.locked.repository(path)}", check=True)
        return one

    def written(self, path=None):
        with open(path or self.auth, encoding="utf-8") as file:
            return json.load(file)

    def test_skopeo_uses_what_sluice_logged_in(self):
        self.push()
        with open(self.auth, "w", encoding="utf-8") as file:
            json.dump({"auths": {"other.example": {"auth": "YTpi"}}, "ours": {"kept": [1]}}, file)
        os.chmod(self.auth, 0o664)
        url = f"docker://{self.locked.repository('library/node')}"
        self.assertNotEqual(self.skopeo("list-tags", "--tls-verify=false", url).returncode, 0)
        self.assertIn(self.auth, self.login("--authfile", self.auth))
        self.assertEqual(stat.S_IMODE(os.stat(self.auth).st_mode), 0o660, "whoever could use the file still can")
        self.assertEqual(self.written()["ours"], {"kept": [1]})
        self.assertEqual(self.written()["auths"], {"other.example": {"auth": "YTpi"}, self.locked.host: {"auth": AUTH}})
        self.assertEqual(self.skopeo("list-tags", "--tls-verify=false", url).returncode, 0)
        self.sluice("logout", self.locked.host, "--authfile", self.auth)
        self.assertEqual(list(self.written()["auths"]), ["other.example"])
        self.assertNotEqual(self.skopeo("list-tags", "--tls-verify=false", url).returncode, 0)

    def test_the_daemon_uses_what_skopeo_logged_in(self):
        one = self.push()
        login = ("login", "--tls-verify=false", "--username", "bot", "--password-stdin", self.locked.host)
        self.skopeo(*login, input=PASSWORD, check=True)
        pipeline = self.pipeline(checks=[])
        pipeline["staging"] = self.locked.repository("staging/node")
        self.start(self.config([pipeline], docker_config=self.auth, log={"level": "trace", "format": "json"}))
        run = self.wait_run(one.digest, "Succeeded")
        self.assert_promoted(one.digest, run["id"])
        self.assertEqual(self.daemon.stop(), 0)
        self.assertNotIn(PASSWORD, self.daemon.log())
        self.assertNotIn(AUTH, self.daemon.log())

    def test_the_daemon_does_not_look_for_other_peoples_logins_unless_it_is_told_to(self):
        self.push()
        self.login()
        os.environ["DOCKER_CONFIG"] = self.environment["DOCKER_CONFIG"]
        self.addCleanup(os.environ.pop, "DOCKER_CONFIG", None)
        pipeline = self.pipeline(checks=[])
        self.start(self.config([pipeline]))
        status = wait_until("the look failed", lambda: self.daemon.json("status")["pipelines"][0]["watch"]["error"])
        self.assertIn("401", status)
        config = self.config([pipeline], docker_config="auto")
        self.daemon.write_config(config)
        self.daemon.process.send_signal(1)
        wait_until("the look succeeded", lambda: self.daemon.json("status")["pipelines"][0]["watch"]["last_look"])

    def test_a_refused_password_is_not_kept(self):
        text = self.login(password="canary-wrong", code=5)
        self.assertIn("401", text)
        self.assertNotIn("canary-wrong", text)
        self.assertFalse(os.path.exists(self.environment["DOCKER_CONFIG"]))
        self.assertFalse(os.path.exists(self.auth))

    def test_a_registry_that_is_not_there_and_wrong_arguments_have_their_own_exit_codes(self):
        self.locked.stop()
        self.login(code=3)
        self.sluice("login", "not/a/registry", "-u", "bot", "--password-stdin", text="x", code=2)
        self.sluice("login", self.locked.host, "--password-stdin", text="x", code=2)
        self.sluice("login", self.locked.host, "-u", "bot", "--password-stdin", text="", code=2)
        self.sluice("login", self.locked.host, "-u", "bot", "-p", "x", code=2)

    def test_a_broken_file_is_named_and_left_alone(self):
        with open(self.auth, "w", encoding="utf-8") as file:
            file.write('{"auths": canary-content')
        text = self.login("--authfile", self.auth, code=2)
        self.assertIn(self.auth, text)
        self.assertNotIn("canary-content", text)
        with open(self.auth, encoding="utf-8") as file:
            self.assertEqual(file.read(), '{"auths": canary-content')

    def test_a_broken_file_beside_the_one_that_is_meant_is_told_and_hinders_nothing(self):
        del self.environment["DOCKER_CONFIG"]
        config = os.path.join(self.environment["HOME"], ".docker", "config.json")
        os.makedirs(os.path.dirname(config))
        with open(config, "w", encoding="utf-8") as file:
            file.write("{")
        text = self.login()
        self.assertIn("logged in", text)
        self.assertIn(config, text)
        text = self.sluice("logout", self.locked.host, code=2)
        self.assertIn("removed the login", text)
        self.assertIn(config, text)
        self.assertEqual(self.written()["auths"], {})

    def test_where_a_login_goes_and_what_is_found_before_it(self):
        config = os.path.join(self.environment["DOCKER_CONFIG"], "config.json")
        self.login()
        self.assertIn(self.locked.host, self.written(config)["auths"])
        self.assertEqual(stat.S_IMODE(os.stat(config).st_mode), 0o600)
        self.assertEqual(stat.S_IMODE(os.stat(self.environment["DOCKER_CONFIG"]).st_mode), 0o700)
        del self.environment["DOCKER_CONFIG"]
        self.login()
        self.assertIn(self.locked.host, self.written()["auths"])
        os.makedirs(os.path.join(self.environment["HOME"], ".docker"))
        os.replace(config, os.path.join(self.environment["HOME"], ".docker", "config.json"))
        self.assertIn("found first", self.login())
        self.assertIn("removed", self.sluice("logout", self.locked.host))
        self.assertEqual(self.written()["auths"], {})
        self.assertIn("no login", self.sluice("logout", self.locked.host))

    def test_a_symbolic_link_stays_one(self):
        real = self.file("real.json")
        with open(real, "w", encoding="utf-8") as file:
            file.write("{}")
        os.symlink(real, self.auth)
        self.login("--authfile", self.auth)
        self.assertTrue(os.path.islink(self.auth))
        self.assertIn(self.locked.host, self.written(real)["auths"])
        self.assertEqual(sorted(name for name in os.listdir(self.folder) if "real.json" in name), ["real.json"])

    def test_logins_at_the_same_time_are_all_kept(self):
        arguments = [PROGRAM, "login", "--username", "bot", "--password-stdin", "--authfile", self.auth]
        names = [self.locked.host, f"localhost:{self.locked.port}"]
        running = [
            subprocess.Popen([*arguments, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment)
            for name in names * 4
        ]
        for process in running:
            process.communicate(PASSWORD.encode(), timeout=60)
            self.assertEqual(process.returncode, 0)
        self.assertEqual(sorted(self.written()["auths"]), sorted(names))

    def test_a_credential_helper_keeps_the_password_out_of_the_file(self):
        self.push()
        tools = self.file("tools")
        os.makedirs(tools)
        with open(os.path.join(tools, "docker-credential-drawer"), "w", encoding="utf-8") as file:
            file.write(HELPER)
        os.chmod(os.path.join(tools, "docker-credential-drawer"), 0o755)
        self.environment["PATH"] = tools + ":" + self.environment["PATH"]
        with open(self.auth, "w", encoding="utf-8") as file:
            json.dump({"credHelpers": {self.locked.host: "drawer"}}, file)
        self.assertIn("docker-credential-drawer", self.login("--authfile", self.auth))
        self.assertEqual(self.written()["auths"], {self.locked.host: {}})
        self.assertEqual(self.written(os.path.join(tools, "kept.json"))[self.locked.host]["Secret"], PASSWORD)
        url = f"docker://{self.locked.repository('library/node')}"
        self.assertEqual(self.skopeo("list-tags", "--tls-verify=false", url).returncode, 0)

        os.environ["PATH"] = self.environment["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", self.environment["PATH"].split(":", 1)[1])
        pipelines = [
            self.pipeline(name, upstream=self.locked.repository("library/node:9-alpine"), checks=[]) for name in ("a", "b", "c")
        ]
        os.remove(os.path.join(tools, "kept.json.calls"))
        self.start(self.config(pipelines, docker_config=self.auth))
        wait_until("all succeeded", lambda: len(self.runs(status="Succeeded")) == 3)
        with open(os.path.join(tools, "kept.json.calls"), encoding="utf-8") as file:
            self.assertEqual(file.read().split(), ["get"], "one run of the helper serves everybody")

        self.sluice("logout", self.locked.host, "--authfile", self.auth)
        self.assertEqual(self.written(os.path.join(tools, "kept.json")), {})
        self.assertEqual(self.written()["auths"], {})

    def test_a_person_is_asked_on_the_terminal_and_the_password_is_not_shown(self):
        child, terminal = pty.fork()
        if child == 0:
            os.execve(PROGRAM, [PROGRAM, "login", self.locked.host, "--authfile", self.auth], self.environment)
        shown = b""

        def read_until(text):
            nonlocal shown
            while text not in shown:
                try:
                    piece = os.read(terminal, 1024)
                except OSError:  # Linux says EIO when the other end is closed
                    piece = b""
                self.assertTrue(piece, f"the program ended after {shown!r}")
                shown += piece

        read_until(b"Username: ")
        os.write(terminal, b"bot\n")
        read_until(b"Password: ")
        os.write(terminal, PASSWORD.encode() + b"\n")
        read_until(b"logged in to")
        _, status = os.waitpid(child, 0)
        os.close(terminal)
        self.assertEqual(os.waitstatus_to_exitcode(status), 0, shown)
        self.assertNotIn(PASSWORD.encode(), shown)
        self.assertEqual(self.written()["auths"][self.locked.host], {"auth": AUTH})

    def test_ctrl_c_at_the_password_gives_the_terminal_back_as_it_was(self):
        child, terminal = pty.fork()
        if child == 0:
            os.execve(PROGRAM, [PROGRAM, "login", self.locked.host, "-u", "bot", "--authfile", self.auth], self.environment)
        shown = b""
        while b"Password: " not in shown:
            shown += os.read(terminal, 1024)
        wait_until("the echo is off", lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO)
        os.write(terminal, b"\x03")
        _, status = os.waitpid(child, 0)
        self.assertEqual(os.waitstatus_to_exitcode(status), -signal.SIGINT)
        self.assertTrue(termios.tcgetattr(terminal)[3] & termios.ECHO)
        os.close(terminal)
        self.assertFalse(os.path.exists(self.auth))

    def test_without_a_terminal_nothing_hangs(self):
        done = subprocess.run(
            [PROGRAM, "login", self.locked.host, "-u", "bot"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, env=self.environment, start_new_session=True,
        )
        self.assertEqual(done.returncode, 2)
        self.assertIn("--password-stdin", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""D11: secrets reach the peer that they are for, and no log, error, API answer, database or command line."""

import base64
import glob
import http.server
import json
import os
import threading
import unittest

import images
from daemon import Daemon, wait_until
from fake_registry import Fake
from harness import Scene


class Echo:
    """A registry, and its token service, that refuse everybody and say back all that they were sent."""

    def __init__(self):
        self.sent = []
        echo = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                sent = (self.headers.get("Authorization", "") + " " + body.decode()).strip()
                echo.sent.append(sent)
                answer = json.dumps({"errors": [{"code": "UNAUTHORIZED", "message": "no: " + sent}]}).encode()
                self.send_response(401)
                if not self.path.startswith("/token"):
                    self.send_header("WWW-Authenticate", f'Bearer realm="http://{echo.host}/token",service="echo"')
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(answer)

            do_HEAD = do_POST = do_GET

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.host = f"127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class Secrets(Scene):
    def test_f1_a_secret_that_cannot_be_had_now_is_no_mistake_of_the_file(self):
        vault = self.file("vault")
        config = self.config()
        config["registries"] = {"vault.example": {"auth": {"username": "bot", "password": {"command": ["cat", vault]}}}}
        self.daemon = Daemon(self.folder, config)
        self.addCleanup(self.end)
        # The service manager starts it again after 1, and not after 2.
        self.assertEqual(self.daemon.spawn().wait(), 1)
        self.assertIn("cannot be read now", self.daemon.log())
        with open(vault, "w", encoding="ascii") as file:
            file.write("a-password")
        self.daemon.start()
        config["registries"]["vault.example"]["auth"]["password"] = {"command": []}
        self.daemon.stop()
        self.daemon.write_config(config)
        self.assertEqual(self.daemon.spawn().wait(), 2)

    def test_d11_canary_secrets_show_up_nowhere(self):
        canaries = {
            "file": "canary-file-5f2d9c",
            "env": "canary-env-81ab3e",
            "command": "canary-command-c07714",
            "proxy": "canary-proxy-7d20e1",
            "hook": "whsec_Y2FuYXJ5LWhvb2stc2VjcmV0LTEyMzQ1Njc4OTA=",
        }
        for name, file in (("file", "password"), ("command", "vault"), ("proxy", "proxy")):
            with open(self.file(file), "w", encoding="ascii") as out:
                out.write(canaries[name] + "\n")
        fake = Fake()
        self.addCleanup(fake.close)
        asked = []
        proxied = []

        def refuse(handler, _):
            if handler.headers.get("Proxy-Authorization"):
                proxied.append((handler.path, handler.headers["Proxy-Authorization"], handler.headers.get("Authorization", "")))
            asked.append(handler.headers.get("Authorization", ""))
            body = b'{"errors":[{"code":"UNAUTHORIZED","message":"wrong"}]}'
            handler.send_response(401)
            handler.send_header("WWW-Authenticate", 'Basic realm="test"')
            handler.send_header("Content-Length", str(len(body)))
            handler.end_headers()
            if handler.command != "HEAD":
                handler.wfile.write(body)
            return True

        fake.misbehave = refuse
        one = self.push()
        refused = self.pipeline("refused", "1", upstream=f"{fake.host}/library/x:1")
        hook = {"webhook": {"url": f"http://127.0.0.1:{self.dev.port}/nobody", "secret": {"env": "CANARY_HOOK"}}}
        config = self.config(
            [self.pipeline(), refused, self.pipeline("proxied", "1", upstream="registry.test/library/x:1")],
            [self.dependent("team-a/hello", rebuild=hook)],
            registries={
                "registry.test": {"http": True},
                fake.host: {"auth": {"username": "bot", "password": {"file": self.file("password")}}},
                self.dev.host: {"auth": {"username": "bot", "password": {"env": "CANARY_ENV"}}},
                "127.0.0.1:1": {"auth": {"username": "bot", "password": {"command": ["cat", self.file("vault")]}}},
            },
            proxy={
                "http": f"http://{fake.host}",
                "auth": {"username": "bot", "password": {"file": self.file("proxy")}},
            },
            log={"level": "trace", "format": "json"},
        )
        os.environ.update(CANARY_ENV=canaries["env"], CANARY_HOOK=canaries["hook"])
        self.start(config)
        run = self.wait_run(one.digest)
        wait_until("the password was sent", lambda: any(value.startswith("Basic ") for value in asked))
        wait_until("the refusal is known", lambda: all(each["watch"]["last_look"] or each["watch"]["error"] for each in self.daemon.json("status")["pipelines"]))
        wait_until("the proxy was asked", lambda: proxied)
        path, login, password = proxied[0]
        self.assertTrue(path.startswith("http://registry.test/v2/"), path)
        self.assertEqual(login, "Basic " + base64.b64encode(b"bot:" + canaries["proxy"].encode()).decode())
        self.assertEqual(password, "")
        canaries["proxy login"] = login.removeprefix("Basic ")
        places = {
            "status": self.daemon.cli("status", "--json"),
            "runs": self.daemon.cli("runs", "--json"),
            "show": self.daemon.cli("show", run["id"], "--json"),
            "history": self.daemon.cli("history", "node", "--json"),
            "pipelines": str(self.daemon.get("/api/v1/pipelines")),
            "check-config": self.daemon.cli("check-config", self.daemon.config_file),
        }
        for rebuild in self.runs(task="hello"):
            places["rebuild log"] = self.daemon.cli("logs", rebuild["id"]) + self.daemon.cli("show", rebuild["id"])
        with open(f"/proc/{self.daemon.process.pid}/cmdline", encoding="utf-8") as file:
            places["command line"] = file.read()
        self.assertEqual(self.daemon.stop(), 0)
        places["log"] = self.daemon.log()
        for path in glob.glob(self.daemon.database + "*"):
            with open(path, "rb") as file:
                places[path] = file.read().decode("latin-1")
        for place, text in places.items():
            for name, canary in canaries.items():
                self.assertNotIn(canary, text, f"the secret '{name}' is in {place}")

    def test_d11_logins_of_other_tools_show_up_nowhere(self):
        canaries = {kind: f"canary-{kind}-4d1e" for kind in ("password", "identity", "bearer", "helper")}
        echoes = {kind: Echo() for kind in canaries}
        for echo in echoes.values():
            self.addCleanup(echo.close)
        pair, other_pair = (base64.b64encode(f"bot:{canaries[kind]}".encode()).decode() for kind in ("password", "helper"))
        logins = {
            "auths": {
                echoes["password"].host: {"auth": pair},
                echoes["identity"].host: {"identitytoken": canaries["identity"]},
                echoes["bearer"].host: {"registrytoken": canaries["bearer"]},
            },
            "credHelpers": {echoes["helper"].host: "canary"},
        }
        with open(self.file("logins.json"), "w", encoding="utf-8") as file:
            json.dump(logins, file)
        helper = self.file("docker-credential-canary")
        with open(helper, "w", encoding="utf-8") as file:
            file.write(f"""#!/bin/sh
echo '{{"ServerURL":"x","Username":"bot","Secret":"{canaries['helper']}"}}'
echo 'I say {canaries['helper']} here too' >&2
""")
        os.chmod(helper, 0o755)
        path = os.environ["PATH"]
        self.addCleanup(os.environ.__setitem__, "PATH", path)
        os.environ["PATH"] = self.folder + ":" + path
        pipelines = [self.pipeline(kind, "1", upstream=f"{echo.host}/library/x:1") for kind, echo in echoes.items()]
        self.start(self.config(pipelines, docker_config=self.file("logins.json"), log={"level": "trace", "format": "json"}))

        def was_sent(kind):
            secret = {"password": pair, "helper": other_pair}.get(kind, canaries[kind])
            return any(secret in sent for sent in echoes[kind].sent)

        wait_until("each secret was sent", lambda: all(was_sent(kind) for kind in canaries))
        wait_until("each refusal is known", lambda: all(each["watch"]["error"] for each in self.daemon.json("status")["pipelines"]))
        places = {"status": self.daemon.cli("status", "--json"), "pipelines": str(self.daemon.get("/api/v1/pipelines"))}
        self.assertIn("401", places["status"])
        with open(f"/proc/{self.daemon.process.pid}/environ", encoding="utf-8") as file:
            places["environment"] = file.read()
        self.assertEqual(self.daemon.stop(), 0)
        places["log"] = self.daemon.log()
        for path in glob.glob(self.daemon.database + "*"):
            with open(path, "rb") as file:
                places[path] = file.read().decode("latin-1")
        for place, text in places.items():
            self.assertNotIn(pair, text, f"the login is in {place}")
            self.assertNotIn(other_pair, text, f"the helper's login is in {place}")
            for name, canary in canaries.items():
                self.assertNotIn(canary, text, f"the secret '{name}' is in {place}")

    def test_d11_a_secret_that_cannot_be_read_is_named_by_its_place_not_its_content(self):
        with open(self.file("password"), "w", encoding="ascii") as file:
            file.write("canary-file-5f2d9c")
        self.start(self.config([]))
        self.daemon.write_config({"registries": {"127.0.0.1:1": {"auth": {"username": "bot", "password": {"file": self.file("nothing-here")}}}}})
        done = self.daemon.run_cli("check-config", self.daemon.config_file)
        self.assertEqual(done.returncode, 2)
        self.assertIn("nothing-here", done.stdout + done.stderr)

    def test_d11_a_secret_that_was_written_inline_is_refused_without_quoting_it(self):
        self.start(self.config([]))
        self.daemon.write_config({"registries": {"127.0.0.1:1": {"auth": {"username": "bot", "password": "canary-inline-99"}}}})
        done = self.daemon.run_cli("check-config", self.daemon.config_file)
        self.assertEqual(done.returncode, 2)
        self.assertNotIn("canary-inline-99", done.stdout + done.stderr)

    def test_d11_checks_and_builds_do_not_inherit_the_secrets_of_the_daemon(self):
        one = self.push(images.random_image())
        os.environ["CANARY_ENV"] = "canary-env-81ab3e"
        registries = {self.dev.host: {"auth": {"username": "bot", "password": {"env": "CANARY_ENV"}}}}
        dump = [{"command": {"run": ["sh", "-c", f"env > {self.file('environment')}"]}}]
        self.start(self.config([self.pipeline(checks=dump)], registries=registries))
        self.wait_promoted(one)
        with open(self.file("environment"), encoding="utf-8") as file:
            self.assertNotIn("canary-env-81ab3e", file.read())


if __name__ == "__main__":
    unittest.main(verbosity=2)

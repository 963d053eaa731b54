#include "triggers/git_source.hpp"

#include "core/error.hpp"
#include "support/fake_launcher.hpp"
#include "support/run.hpp"

#include <catch2/catch.hpp>

using namespace sluice;
using namespace sluice::triggers;
using sluice::test::FakeLauncher;

TEST_CASE("a git address has a repository, a ref and a folder") {
  const auto parse = GitSource::parse;
  CHECK(parse("https://h/r.git") == GitSource{"https://h/r.git", "HEAD", ""});
  CHECK(parse("https://h/r.git#main") == GitSource{"https://h/r.git", "main", ""});
  CHECK(parse("https://h:8443/r.git#v1.2:images/app") ==
        GitSource{"https://h:8443/r.git", "v1.2", "images/app"});
  CHECK(parse("https://h/r.git#:app") == GitSource{"https://h/r.git", "HEAD", "app"});
  CHECK(parse("ssh://git@h:22/r.git#main") == GitSource{"ssh://git@h:22/r.git", "main", ""});
  CHECK(parse("git@h:team/r.git#feature/x") == GitSource{"git@h:team/r.git", "feature/x", ""});
  CHECK(parse("file:///srv/r.git") == GitSource{"file:///srv/r.git", "HEAD", ""});
}

TEST_CASE("the addresses of one repository are known as the same place") {
  for (const auto* url : {"https://git.example.com/team/App.git", "http://git.example.com/team/app",
                          "git@git.example.com:team/app.git", "ssh://git@git.example.com:2222/team/app.git",
                          "https://git.example.com/team/app/", "ssh://git.example.com/team/app"}) {
    INFO(url);
    CHECK(git_place(url) == "git.example.com/team/app");
  }
  CHECK(git_place("https://git.example.com:8443/team/app.git") == "git.example.com:8443/team/app");
  CHECK(git_place("file:///srv/app.git").empty());
  CHECK(git_place("") == "/");
  CHECK(git_place("nonsense") == "nonsense/");
}

TEST_CASE("a source follows its branch or tag, or the one that the repository begins with") {
  const auto follows = [](const std::string& text, const char* ref, bool is_default = false) {
    return GitSource::parse("https://h/r.git" + text).follows(ref, is_default);
  };
  CHECK(follows("#main", "refs/heads/main"));
  CHECK(follows("#refs/heads/main:app", "refs/heads/main"));
  CHECK(follows("#v1.2", "refs/tags/v1.2"));
  CHECK_FALSE(follows("#main", "refs/heads/other", true));
  CHECK_FALSE(follows("#main", "refs/heads/x/main"));
  CHECK(follows("", "refs/heads/trunk", true));
  CHECK_FALSE(follows("", "refs/heads/other", false));
}

TEST_CASE("D9: addresses, refs and folders that git would take for something else are refused") {
  for (const auto* text :
       {"--upload-pack=touch /tmp/x", "ext::sh -c x", "git://h/r.git", "ftp://h/r.git", "/local/path",
        "h/r.git", "https://h/r.git#--upload-pack=x", "https://h/r.git#+refs/heads/*", "https://h/r.git#a b",
        "https://h/r.git#a..b", "https://h/r.git#a^", "https://h/r.git#main:../x",
        "https://h/r.git#main:/etc", "https://h/r.git#main:-x", "https://h/r .git", "https://h/r\n.git",
        "-oProxyCommand=x@h:r"}) {
    INFO(text);
    CHECK_THROWS_AS(GitSource::parse(text), Error);
  }
}

TEST_CASE("D11: an address with credentials is refused and not shown") {
  for (const auto* text :
       {"https://bot:hunter2@h/r.git", "https://hunter2@h/r.git", "ssh://git:hunter2@h/r.git"}) {
    try {
      GitSource::parse(text);
      FAIL(text);
    } catch (const Error& error) {
      CHECK_THAT(error.what(), !Catch::Contains("hunter2"));
    }
  }
}

TEST_CASE("a directory is told from a git address") {
  CHECK(GitSource::looks_like("https://h/r.git"));
  CHECK(GitSource::looks_like("git@h:r.git"));
  CHECK_FALSE(GitSource::looks_like("/srv/source"));
  CHECK_FALSE(GitSource::looks_like("/srv/a@b:c"));
  CHECK_FALSE(GitSource::looks_like("relative/source"));
}

TEST_CASE("a path inside a directory stays inside by its text") {
  for (const auto* good : {"Containerfile", "a/b", "a/./b", "..a/b", ".hidden"})
    CHECK(is_inner_path(good));
  for (const auto* bad : {"", "/etc", "..", "../x", "a/../../x", "a/..", "-f"})
    CHECK_FALSE(is_inner_path(bad));
}

TEST_CASE("one commit is fetched without history, shell or questions") {
  FakeLauncher launcher([](const Command& command) {
    return FakeLauncher::ended(0, test::has(command, "rev-parse") ? "0123abcd\n" : "");
  });
  const auto checkout = test::run([&] {
    return fetch(launcher, GitSource::parse("https://h/r.git#main:app"), "/tmp/x", {{"HOME", "/home/bot"}},
                 std::chrono::minutes(1));
  });
  CHECK(checkout.folder == "/tmp/x/app");
  CHECK(checkout.commit == "0123abcd");
  REQUIRE(launcher.commands.size() == 4);
  const auto& fetching = launcher.commands[1];
  CHECK(test::has(fetching, "--depth=1"));
  const std::vector<std::string> end(fetching.argv.end() - 3, fetching.argv.end());
  CHECK(end == std::vector<std::string>{"--", "https://h/r.git", "main"});
  CHECK(test::variable(fetching, "GIT_TERMINAL_PROMPT") == "0");
  CHECK(test::variable(fetching, "GIT_ALLOW_PROTOCOL") == "https:http:ssh:file");
  CHECK(test::variable(fetching, "HOME") == "/home/bot");
  // It would take the place of the operator's core.sshCommand.
  CHECK(test::variable(fetching, "GIT_SSH_COMMAND").empty());
}

TEST_CASE("what git says decides whether the fetch is tried again") {
  struct Case {
    const char* said;
    ErrorKind kind;
  };
  const Case cases[] = {
      {"fatal: unable to access 'https://h/r.git/': Could not resolve host: h", ErrorKind::unavailable},
      {"fatal: couldn't find remote ref nope", ErrorKind::not_found},
      {"fatal: '/x' does not appear to be a git repository\nfatal: Could not read from remote repository.",
       ErrorKind::not_found},
      {"fatal: could not read Username for 'https://h': terminal prompts disabled", ErrorKind::unauthorized},
      {"git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.",
       ErrorKind::unauthorized},
      {"fatal: transport 'ext' not allowed", ErrorKind::invalid},
  };
  for (const auto& one : cases) {
    FakeLauncher launcher([&](const Command& command) {
      return test::has(command, "fetch") ? FakeLauncher::ended(128, one.said) : FakeLauncher::ended(0);
    });
    INFO(one.said);
    try {
      test::run([&] {
        return fetch(launcher, GitSource::parse("https://h/r.git"), "/tmp/x", {}, std::chrono::minutes(1));
      });
      FAIL("no error where one is due");
    } catch (const Error& error) {
      CHECK(error.kind() == one.kind);
    }
  }
}

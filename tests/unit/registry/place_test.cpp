#include "registry/place.hpp"

#include "core/error.hpp"

#include <string>

#include <catch2/catch.hpp>

using sluice::Error;
using sluice::registry::Place;
using sluice::registry::PlaceKind;

namespace {
const std::string digest_text = "sha256:" + std::string(64, 'a');
}

TEST_CASE("places in registries are references, Docker Hub's short names completed") {
  const auto node = Place::parse("node:20");
  CHECK(node.kind == PlaceKind::registry);
  CHECK(node.repository.text() == "docker.io/library/node");
  CHECK(node.tag == "20");
  CHECK(Place::parse("docker://ghcr.io/a/b@" + digest_text).digest->text() == digest_text);
  CHECK(Place::parse("ghcr.io/a/b").tag == "latest");
}

TEST_CASE("layouts and archives are a path with a tag or digest, and colons in the path stay") {
  const auto usb = Place::parse("oci:/media/usb/node:20");
  CHECK(usb.kind == PlaceKind::layout);
  CHECK(usb.path == "/media/usb/node");
  CHECK(usb.tag == "20");
  CHECK(Place::parse("oci:/media/12:30/node").path == "/media/12:30/node");
  CHECK_FALSE(Place::parse("oci:/media/12:30/node").tag.has_value());
  const auto archive = Place::parse("oci-archive:node.tar@" + digest_text);
  CHECK(archive.kind == PlaceKind::oci_archive);
  CHECK(archive.path == "node.tar");
  CHECK(archive.tag_or_digest() == digest_text);
  CHECK(Place::parse("docker-archive:a.tar:9").kind == PlaceKind::docker_archive);
  for (const std::string text :
       {"oci:/media/usb/node:20", "docker-archive:a.tar:9", "docker.io/library/node:20"})
    CHECK(Place::parse(text).text() == text);
}

TEST_CASE("a docker archive may name its image, behind the first colon, as skopeo writes it") {
  const auto named = Place::parse("docker-archive:/tmp/d.tar:foo/bar:3");
  CHECK(named.path == "/tmp/d.tar");
  CHECK(named.is_named());
  CHECK(named.repository.text() == "docker.io/foo/bar");
  CHECK(named.tag == "3");
  CHECK(named.tag_or_digest() == "docker.io/foo/bar:3");
  CHECK(named.text() == "docker-archive:/tmp/d.tar:docker.io/foo/bar:3");
  CHECK(Place::parse("docker-archive:d.tar:app:1").path == "d.tar");
  CHECK(Place::parse("docker-archive:d.tar:127.0.0.1:5000/a:1").repository.registry == "127.0.0.1:5000");
  const auto tagged = Place::parse("docker-archive:d.tar:9");
  CHECK_FALSE(tagged.is_named());
  CHECK(tagged.tag_or_digest() == "9");
  CHECK_FALSE(Place::parse("docker-archive:d.tar").tag_or_digest().has_value());
}

TEST_CASE("an image in a layout or archive may be named by its position, as skopeo does") {
  for (const std::string text :
       {"oci:/media/12:30/node:@2", "oci-archive:a.tar:@0", "docker-archive:a.tar:@10"}) {
    CAPTURE(text);
    const auto place = Place::parse(text);
    CHECK(place.tag_or_digest() == text.substr(text.rfind('@')));
    CHECK_FALSE(place.tag.has_value());
    CHECK(place.text() == text);
  }
  for (const std::string position : {"@", "@x", "@-1", "@+1", "@1x", "@99999999999999999999"}) {
    CAPTURE(position);
    CHECK_THROWS_WITH(Place::parse("oci:dir:" + position),
                      Catch::Contains("'" + position + "' is no position"));
    CHECK_THROWS_WITH(Place::parse("docker-archive:f:" + position), Catch::Contains("is no position"));
  }
  CHECK_THROWS_WITH(Place::parse("oci:dir:@0@" + digest_text), Catch::Contains("leave out one"));
}

TEST_CASE("standard input and output are no archives") {
  for (const std::string text :
       {"oci-archive:-", "docker-archive:-", "oci-archive:-:1", "docker-archive:-:a:1"}) {
    CAPTURE(text);
    CHECK_THROWS_WITH(Place::parse(text), Catch::Contains("./-"));
  }
  CHECK(Place::parse("oci-archive:./-").path == "./-");
  CHECK(Place::parse("oci:-").path == "-");
}

TEST_CASE("D9: what names no place is refused") {
  for (const std::string text :
       {"", "oci:", "oci:dir:no tag", "oci:dir@sha256:12", "oci-archive::1", "docker-archive::a:1",
        "docker-archive:d.tar:", "docker-archive:d.tar:A/b:1", "Node:20", "a//b"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Place::parse(text), Error);
  }
  CHECK_THROWS_AS(Place::parse(std::string("oci:a\0b", 7)), Error);
}

#include "registry/place.hpp"

#include "core/error.hpp"

#include <string>

#include <catch2/catch.hpp>

using sluice::Error;
using sluice::registry::Place;
using sluice::registry::PlaceKind;

namespace {
const std::string digest = "sha256:" + std::string(64, 'a');
}

TEST_CASE("places in registries are references, Docker Hub's short names completed") {
  const auto node = Place::parse("node:20");
  CHECK(node.kind == PlaceKind::registry);
  CHECK(node.repository.text() == "docker.io/library/node");
  CHECK(node.tag == "20");
  CHECK(Place::parse("docker://ghcr.io/a/b@" + digest).digest->text() == digest);
  CHECK(Place::parse("ghcr.io/a/b").tag == "latest");
}

TEST_CASE("layouts and archives are a path with a tag or digest, and colons in the path stay") {
  const auto usb = Place::parse("oci:/media/usb/node:20");
  CHECK(usb.kind == PlaceKind::layout);
  CHECK(usb.path == "/media/usb/node");
  CHECK(usb.tag == "20");
  CHECK(Place::parse("oci:/media/12:30/node").path == "/media/12:30/node");
  CHECK_FALSE(Place::parse("oci:/media/12:30/node").tag.has_value());
  const auto archive = Place::parse("oci-archive:node.tar@" + digest);
  CHECK(archive.kind == PlaceKind::oci_archive);
  CHECK(archive.path == "node.tar");
  CHECK(archive.tag_or_digest() == digest);
  CHECK(Place::parse("docker-archive:a.tar:9").kind == PlaceKind::docker_archive);
  for (const std::string text :
       {"oci:/media/usb/node:20", "docker-archive:a.tar:9", "docker.io/library/node:20"})
    CHECK(Place::parse(text).text() == text);
}

TEST_CASE("D9: what names no place is refused") {
  for (const std::string text :
       {"", "oci:", "oci:dir:no tag", "oci:dir@sha256:12", "oci-archive::1", "Node:20", "a//b"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(Place::parse(text), Error);
  }
  CHECK_THROWS_AS(Place::parse(std::string("oci:a\0b", 7)), Error);
}

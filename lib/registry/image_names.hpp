#pragma once
// How images are called within layouts and archives, and which of them a person means. Pure.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice::registry {

/// Names of one image: tags ("20"), or references in docker's long or short form
/// ("docker.io/library/node:20", "node:20").
using ImageNames = std::vector<std::string>;

/// The images (their places in the list) that have this name as a whole, or when there are none, that have it
/// as their tag.
std::vector<std::size_t> called(const std::vector<ImageNames>& images, std::string_view wanted);

/// "@3", the fourth in a list of so many images, as a place in it; nullopt for a name. Throws not_found when
/// `where` has fewer.
std::optional<std::size_t> at_position(std::string_view wanted, std::size_t images, const std::string& where);

/// Throws Error(invalid): `where` holds several images that `wanted` (empty: nothing) may mean. Tells names.
[[noreturn]] void refuse_choice(const std::string& where, std::string_view wanted,
                                const std::vector<ImageNames>& images);

/// A tag under which referrers of an image are kept: "sha256-<hex>" (distribution specification, "Referrers
/// Tag Schema"), and cosign's with .sig, .att or .sbom behind it.
bool is_referrers_tag(std::string_view tag);

}  // namespace sluice::registry

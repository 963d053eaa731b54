#include "support/token_server.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

namespace sluice::test {
namespace {

constexpr const char* service = "registry for tests";
constexpr const char* issuer = "tests";

std::string base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

// RFC 7515, section 2: base64url without padding.
std::string base64url(std::string_view bytes) {
  std::string text = base64(bytes);
  std::replace(text.begin(), text.end(), '+', '-');
  std::replace(text.begin(), text.end(), '/', '_');
  text.resize(std::min(text.size(), text.find('=')));
  return text;
}

// ES256 (RFC 7518, section 3.4): r and s, 32 bytes each.
std::string sign(const std::filesystem::path& key_file, const std::string& message) {
  std::unique_ptr<std::FILE, decltype(&std::fclose)> file(std::fopen(key_file.c_str(), "r"), &std::fclose);
  std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  unsigned char der[128];
  std::size_t size = sizeof der;
  if (EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), der, &size, reinterpret_cast<const unsigned char*>(message.data()),
                     message.size()) != 1)
    throw std::runtime_error("cannot sign a token");
  const unsigned char* at = der;
  std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> signature(
      d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size)), &ECDSA_SIG_free);
  std::string raw(64, '\0');
  auto* out = reinterpret_cast<unsigned char*>(raw.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(signature.get()), out, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(signature.get()), out + 32, 32);
  return raw;
}

// The lines of a PEM file between its marks are the certificate's DER in base64, which is what "x5c" holds.
std::string certificate_text(const std::filesystem::path& pem) {
  std::ifstream file(pem);
  std::string text;
  for (std::string line; std::getline(file, line);)
    if (line.find('-') == std::string::npos) text += line;
  return text;
}

std::string percent_decoded(std::string_view text) {
  std::string decoded;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      decoded += static_cast<char>(std::stoi(std::string(text.substr(i + 1, 2)), nullptr, 16));
      i += 2;
    } else {
      decoded += text[i];
    }
  }
  return decoded;
}

// "repository:a/b:pull,push" as a member of the claim "access" (distribution, docs/content/spec/auth/jwt.md).
std::string access_entry(const std::string& scope, bool with_push) {
  const auto name_at = scope.find(':') + 1;
  const auto name_end = scope.rfind(':');
  std::string actions;
  std::istringstream asked(scope.substr(name_end + 1));
  for (std::string action; std::getline(asked, action, ',');)
    if (with_push || action == "pull") actions += (actions.empty() ? "\"" : ",\"") + action + "\"";
  return R"({"type":")" + scope.substr(0, name_at - 1) + R"(","name":")" +
         scope.substr(name_at, name_end - name_at) + R"(","actions":[)" + actions + "]}";
}

}  // namespace

std::vector<std::string> query_values(const std::string& target, const std::string& name) {
  std::vector<std::string> values;
  std::istringstream pairs(target.substr(std::min(target.size(), target.find('?') + 1)));
  for (std::string pair; std::getline(pairs, pair, '&');)
    if (pair.starts_with(name + "=")) values.push_back(percent_decoded(pair.substr(name.size() + 1)));
  return values;
}

TokenServer::TokenServer(std::map<std::string, std::string> people)
    : people_(std::move(people)),
      signer_(authority_.self_signed()),
      server_(answer_all(
          [this](Exchange& exchange, const RecordedRequest& request) { answer(exchange, request); })) {}

RegistryOptions::TokenService TokenServer::settings() const {
  return {server_.url("/token"), service, issuer, signer_.certificate};
}

std::string TokenServer::token(const std::vector<std::string>& scopes, bool with_push) const {
  const auto now =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  std::string access;
  for (const auto& scope : scopes)
    access += (access.empty() ? "" : ",") + access_entry(scope, with_push);
  const std::string header =
      R"({"typ":"JWT","alg":"ES256","x5c":[")" + certificate_text(signer_.certificate) + R"("]})";
  const std::string claims = R"({"iss":")" + std::string(issuer) + R"(","sub":"","aud":")" + service +
                             R"(","exp":)" + std::to_string(now + 600) + R"(,"nbf":)" +
                             std::to_string(now - 60) + R"(,"iat":)" + std::to_string(now) +
                             R"(,"jti":"1","access":[)" + access + "]}";
  const std::string message = base64url(header) + "." + base64url(claims);
  return message + "." + base64url(sign(signer_.key, message));
}

void TokenServer::answer_form(Exchange& exchange, const std::string& form) {
  const auto field = [&](const std::string& name) {
    const auto values = query_values("?" + form, name);
    return values.size() == 1 ? values.front() : std::string();
  };
  std::string person;
  for (const auto& [name, password] : people_) {
    const bool by_password =
        field("grant_type") == "password" && field("username") == name && field("password") == password;
    const bool by_token =
        field("grant_type") == "refresh_token" && field("refresh_token") == refresh_token_of(name);
    if (by_password || by_token) person = name;
  }
  if (person.empty() || field("service") != service || field("client_id").empty())
    return exchange.answer(401, R"({"error":"invalid_grant"})");
  std::vector<std::string> scopes;
  std::istringstream words(field("scope"));
  for (std::string scope; words >> scope;)
    scopes.push_back(scope);
  exchange.answer(200,
                  R"({"access_token":")" + token(scopes, true) + R"(","refresh_token":")" +
                      refresh_token_of(person) + R"(","scope":")" + field("scope") + R"(","expires_in":)" +
                      std::to_string(expires_in_) + "}",
                  "Content-Type: application/json\r\n");
}

void TokenServer::answer(Exchange& exchange, const RecordedRequest& request) {
  if (request.method == "POST") return answer_form(exchange, request.body);
  if (get_refused_) return exchange.answer(405);
  const auto header = request.headers.find("authorization");
  bool known = false;
  for (const auto& [name, password] : people_)
    known = known ||
            (header != request.headers.end() && header->second == "Basic " + base64(name + ":" + password));
  if (header != request.headers.end() && !known)
    return exchange.answer(401, R"({"errors":[{"code":"UNAUTHORIZED","message":"who are you?"}]})");
  std::string body = R"({"token":")" + token(query_values(request.target, "scope"), known) + "\"";
  if (expires_in_ > 0) body += R"(,"expires_in":)" + std::to_string(expires_in_);
  exchange.answer(200, body + "}", "Content-Type: application/json\r\n");
}

}  // namespace sluice::test

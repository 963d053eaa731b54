#include "net/tls.hpp"

#include "core/error.hpp"
#include "core/text.hpp"

#include <filesystem>
#include <system_error>
#include <vector>

#include <boost/asio/ip/address.hpp>
#include <boost/system/system_error.hpp>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <spdlog/fmt/fmt.h>

namespace sluice::net {
namespace {

namespace ssl = boost::asio::ssl;
using ContextPtr = std::shared_ptr<ssl::context>;

std::string stamp_of(const std::filesystem::path& path) {
  std::error_code error;
  const auto time = std::filesystem::last_write_time(path, error);
  const auto size = error ? 0 : std::filesystem::file_size(path, error);
  return fmt::format("{}:{};", error ? 0 : time.time_since_epoch().count(), error ? 0 : size);
}

std::string stamp_of(const TlsOptions& options) {
  std::string stamp;
  for (const auto& path : options.ca)
    stamp += stamp_of(path);
  for (const auto& path : {options.certificate, options.key})
    if (path) stamp += stamp_of(*path);
  return stamp;
}

template <class Load>
void load_file(const std::filesystem::path& path, std::string_view what, Load load) {
  boost::system::error_code error;
  load(error);
  if (error)
    throw Error(ErrorKind::invalid,
                fmt::format("cannot use {} as {}: {}", printable(path.string()), what, error.message()));
}

ContextPtr load_context(const TlsOptions& options) {
  auto context = std::make_shared<ssl::context>(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  context->set_verify_mode(ssl::verify_peer);
  // Without this OpenSSL would ask for the passphrase of a key on the terminal.
  context->set_password_callback([](std::size_t, ssl::context::password_purpose) { return std::string(); });
  boost::system::error_code no_system_roots;  // a machine without them can still use `ca`
  context->set_default_verify_paths(no_system_roots);
  for (const auto& ca : options.ca)
    load_file(ca, "CA certificates (PEM)",
              [&](auto& error) { context->load_verify_file(ca.string(), error); });
  if (options.certificate) {
    load_file(*options.certificate, "client certificate (PEM)", [&](auto& error) {
      context->use_certificate_chain_file(options.certificate->string(), error);
    });
    const auto& key = options.key ? *options.key : *options.certificate;
    load_file(key, "key of the client certificate (PEM, not encrypted)",
              [&](auto& error) { context->use_private_key_file(key.string(), ssl::context::pem, error); });
  }
  // The length-prefixed list of RFC 7301 3.1; HTTP/1.1 is all that we speak.
  static constexpr unsigned char protocols[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context->native_handle(), protocols, sizeof protocols - 1);
  return context;
}

std::string name_text(const GENERAL_NAME& name) {
  if (name.type == GEN_DNS) {
    const auto* text = name.d.dNSName;
    return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
            static_cast<std::size_t>(ASN1_STRING_length(text))};
  }
  if (name.type == GEN_IPADD) {
    const auto* bytes = ASN1_STRING_get0_data(name.d.iPAddress);
    if (ASN1_STRING_length(name.d.iPAddress) == 4)
      return fmt::format("{}.{}.{}.{}", bytes[0], bytes[1], bytes[2], bytes[3]);
  }
  return {};
}

}  // namespace

Task<ContextPtr> TlsContexts::get(TlsOptions options) {
  auto check = [options] { return stamp_of(options); };
  std::string stamp = co_await workers_.run(std::move(check));
  for (const auto& entry : entries_)
    if (entry.options == options && entry.stamp == stamp) co_return entry.context;
  auto load = [options] { return load_context(options); };
  ContextPtr context = co_await workers_.run(std::move(load));
  std::erase_if(entries_, [&](const Entry& entry) { return entry.options == options; });
  entries_.push_back({std::move(options), std::move(stamp), context});
  co_return context;
}

void expect_server(SSL* ssl, const std::string& host) {
  boost::system::error_code no_address;
  boost::asio::ip::make_address(host, no_address);
  auto* parameters = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // Server names are never IP addresses (RFC 6066 3).
  const bool set = no_address ? SSL_set_tlsext_host_name(ssl, host.c_str()) == 1 &&
                                    X509_VERIFY_PARAM_set1_host(parameters, host.data(), host.size()) == 1
                              : X509_VERIFY_PARAM_set1_ip_asc(parameters, host.c_str()) == 1;
  if (!set) throw Error(ErrorKind::internal, "OpenSSL did not accept the name of the server");
}

std::string refused_certificate(SSL* ssl, const std::string& names) {
  const long result = SSL_get_verify_result(ssl);
  if (result == X509_V_OK) return {};
  std::string reason =
      fmt::format("the certificate of the server is refused: {}", X509_verify_cert_error_string(result));
  const bool wrong_name = result == X509_V_ERR_HOSTNAME_MISMATCH || result == X509_V_ERR_IP_ADDRESS_MISMATCH;
  if (wrong_name && !names.empty()) reason += fmt::format(" (it is for {})", printable(names, 200));
  return reason;
}

std::string names_of(X509* certificate) {
  std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      &GENERAL_NAMES_free);
  std::string text;
  constexpr int most = 5;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()) && i < most; ++i) {
    const std::string name = name_text(*sk_GENERAL_NAME_value(names.get(), i));
    if (!name.empty()) text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

}  // namespace sluice::net

#pragma once
// The text format of Prometheus, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format): pure.

#include "core/histogram.hpp"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sluice::api {

class Exposition {
 public:
  using Labels = std::vector<std::pair<std::string_view, std::string>>;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

  /// Begins a metric; its samples follow until the next begins. A counter is called `..._total`.
  void counter(std::string_view name, std::string_view help) { begin(name, "counter", help); }
  void gauge(std::string_view name, std::string_view help) { begin(name, "gauge", help); }
  void histogram(std::string_view name, std::string_view help) { begin(name, "histogram", help); }

  /// Of the metric that was begun last. Values of labels may be anything: what cannot be shown is escaped.
  void sample(double value, const Labels& labels = {});
  void sample(const Histogram& values, const Labels& labels = {});

  std::string take() { return std::move(text_); }

 private:
  void begin(std::string_view name, std::string_view type, std::string_view help);
  void line(std::string_view suffix, const Labels& labels, double value);

  std::string name_;
  std::string text_;
};

}  // namespace sluice::api

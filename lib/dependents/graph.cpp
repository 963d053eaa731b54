#include "dependents/graph.hpp"

#include <algorithm>
#include <string>
#include <tuple>
#include <unordered_map>

namespace sluice::dependents {
namespace {

// What a tag is called in the graph; a digest beside it does not make it another tag.
std::string key_of(const oci::Reference& reference) {
  return reference.repository.text() + ":" + reference.tag.value_or("latest");
}

struct Edge {
  std::size_t node = 0;
  std::size_t from = 0;  // index of the entry in the node's `from`
};

class Walk {
 public:
  explicit Walk(const std::vector<Node>& nodes) : nodes_(nodes), places_(nodes.size()) {
    for (std::size_t node = 0; node < nodes.size(); ++node)
      for (std::size_t from = 0; from < nodes[node].from.size(); ++from)
        built_from_[key_of(nodes[node].from[from])].push_back({node, from});
  }

  std::vector<Planned> from(const std::string& promoted) {
    order_below(promoted);
    std::reverse(order_.begin(), order_.end());
    for (std::size_t place = 0; place < order_.size(); ++place)
      places_[order_[place]].place = place;
    for (const auto& edge : children(promoted))
      deepen(edge, 1);
    for (const auto node : order_)
      for (const auto& edge : children(key_of(nodes_[node].image)))
        // An edge against the order closes a cycle and is left out.
        if (places_[edge.node].place > places_[node].place) deepen(edge, places_[node].depth + 1);
    return planned();
  }

 private:
  struct Place {
    bool seen = false;
    std::size_t place = 0;    // in topological order, bases first
    int depth = 0;            // longest distance from the promoted tag
    std::size_t through = 0;  // the `from` entry on that way
  };

  const std::vector<Edge>& children(const std::string& image) const {
    static const std::vector<Edge> none;
    const auto found = built_from_.find(image);
    return found == built_from_.end() ? none : found->second;
  }

  // Depth first, parents after their children: the reverse is a topological order.
  void order_below(const std::string& image) {
    for (const auto& edge : children(image)) {
      if (places_[edge.node].seen) continue;
      places_[edge.node].seen = true;
      order_below(key_of(nodes_[edge.node].image));
      order_.push_back(edge.node);
    }
  }

  void deepen(const Edge& edge, int depth) {
    auto& place = places_[edge.node];
    if (depth <= place.depth) return;
    place.depth = depth;
    place.through = edge.from;
  }

  std::vector<Planned> planned() const {
    std::vector<Planned> all;
    for (const auto node : order_) {
      const auto& place = places_[node];
      all.push_back(
          {.name = nodes_[node].name, .wave = place.depth - 1, .base = nodes_[node].from[place.through]});
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) {
      return std::tie(a.wave, a.name) < std::tie(b.wave, b.name);
    });
    return all;
  }

  const std::vector<Node>& nodes_;
  std::unordered_map<std::string, std::vector<Edge>> built_from_;
  std::vector<Place> places_;
  std::vector<std::size_t> order_;
};

}  // namespace

std::vector<Planned> plan(const std::vector<Node>& nodes, const oci::Reference& promoted) {
  return Walk(nodes).from(key_of(promoted));
}

}  // namespace sluice::dependents

#pragma once
// Coroutines of the program. All of them run on the one event-loop thread unless a comment says otherwise.

#include <boost/asio/awaitable.hpp>

namespace sluice {

template <class T = void>
using Task = boost::asio::awaitable<T>;

}  // namespace sluice

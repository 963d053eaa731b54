// Boost.Beast is compiled here once; only head.cpp uses it.
#include <boost/beast/src.hpp>

#pragma once
// Precompiled for every test program.

#include "rooms.hpp"

#include <catch2/catch.hpp>

#pragma once
// Read before everything else in the fuzzers' build. Clang with libstdc++ 12 asks whether a ConfigNode has a default
// constructor while it still lays out the lists of ConfigNode inside of it; the answer is given here. GCC asks later.

#include <type_traits>

namespace pare {
struct ConfigNode;
}
template <>
struct std::__is_implicitly_default_constructible<pare::ConfigNode> : std::true_type {};
template <>
struct std::is_default_constructible<pare::ConfigNode> : std::true_type {};

#pragma once

namespace pare::x86 {

/// clamp(nearbyint(float(sum) * multiplier) + zero_point) over a vector type V of int32 lanes.
template <class V>
struct Requantizer {
  typename V::Float multiplier, zero_point, low, high;
  typename V::Ints operator()(typename V::Ints sum) const {
    return V::to_ints(V::clamp(V::add(V::round(V::multiply(V::to_floats(sum), multiplier)), zero_point), low, high));
  }
};

}  // namespace pare::x86

#pragma once

namespace pare {

inline constexpr const char* kVersion = "0.1.0";  ///< of pare: part of every stage's key and of written files

}  // namespace pare

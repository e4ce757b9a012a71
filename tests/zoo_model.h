#pragma once

#include <string>

#include "core/model/model.h"
#include "core/zoo/zoo.h"

namespace pare {

/// A built-in model with its default options, for tests.
inline Model zoo_model(const std::string& name) {
  GraphWithConstants parts = zoo(name);
  return Model(std::move(parts.graph), parts.constants);
}

}  // namespace pare

#include "apps/pare-run/options.h"

#include <charconv>
#include <functional>

#include "core/base/error.h"

namespace pare {
namespace {

int whole_number(const std::string& name, const std::string& text, int low, int high) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  PARE_CHECK(error == std::errc() && end == text.data() + text.size() && value >= low && value <= high, ConfigError,
             "[arguments] expected a whole number from {} to {} for {}, got \"{}\"", low, high, name, text);
  return value;
}

struct Option {
  const char* name;
  const char* value;   // null: a switch
  const char* help;
  std::function<void(RunOptions&, const std::string&)> set;
};

std::vector<Option> table() {
  constexpr int kMany = 1000000;
  const auto number = [](const char* name, int RunOptions::*field, int low, int high) {
    return [=](RunOptions& o, const std::string& text) { o.*field = whole_number(name, text, low, high); };
  };
  const auto text = [](std::string RunOptions::*field) {
    return [=](RunOptions& o, const std::string& value) { o.*field = value; };
  };
  const auto flag = [](bool RunOptions::*field) { return [=](RunOptions& o, const std::string&) { o.*field = true; }; };
  return {
      {"--image", "FILE", "JPEG or PNG, prepared as the model's file says", text(&RunOptions::image)},
      {"--input", "FILE", ".npy, or .safetensors with one tensor an input", text(&RunOptions::input)},
      {"--save", "FILE", "write the outputs as .safetensors", text(&RunOptions::save)},
      {"--golden", "[FILE]", "compare with the golden samples of the model's file, or of FILE", flag(&RunOptions::golden)},
      {"--repeat", "N", "timed runs (1)", number("--repeat", &RunOptions::repeat, 1, kMany)},
      {"--warmup", "N", "untimed runs before them (0)", number("--warmup", &RunOptions::warmup, 0, kMany)},
      {"--threads", "N", "threads (1)", number("--threads", &RunOptions::threads, 1, 256)},
      {"--device", "NAME", "cpu, cuda or cuda:N (cpu)", text(&RunOptions::device)},
      {"--top", "K", "best labels to print (5)", number("--top", &RunOptions::top, 1, 1000)},
      {"--kernels", nullptr, "list the kernels", flag(&RunOptions::kernels)},
      {"--json", nullptr, "print one JSON object", flag(&RunOptions::json)},
      {"--help", nullptr, "this text", flag(&RunOptions::help)},
  };
}

}  // namespace

std::string usage() {
  std::string text = "pare-run MODEL.pare [options]: runs a model without libtorch\n";
  for (const Option& option : table()) {
    std::string left = std::string("  ") + option.name + (option.value ? std::string(" ") + option.value : "");
    left.resize(22, ' ');
    text += left + option.help + "\n";
  }
  return text + "Exit codes: 0 good, 2 arguments, 3 model, 4 data, 5 files, 6 golden samples differ, 7 a bug.\n";
}

RunOptions parse_options(const std::vector<std::string>& args) {
  const std::vector<Option> options = table();
  RunOptions out;
  for (size_t i = 0; i < args.size(); ++i) {
    if (args[i].rfind("--", 0) != 0) {
      PARE_CHECK(out.model.empty(), ConfigError, "[arguments] expected one model, got \"{}\" and \"{}\"", out.model, args[i]);
      out.model = args[i];
      continue;
    }
    const Option* found = nullptr;
    std::vector<std::string> names;
    for (const Option& option : options) {
      names.push_back(option.name);
      if (args[i] == option.name) found = &option;
    }
    PARE_CHECK(found, ConfigError, "[arguments] expected a known option, got \"{}\".{}", args[i], did_you_mean(args[i], names));
    const bool next = i + 1 < args.size() && args[i + 1].rfind("--", 0) != 0;
    if (found->name == std::string("--golden")) {
      // The model may follow the switch: a golden file is a .safetensors file.
      const bool file = next && args[i + 1].size() > 12 && args[i + 1].ends_with(".safetensors");
      if (file) out.golden_file = args[++i];
      out.golden = true;
      continue;
    }
    PARE_CHECK(!found->value || next, ConfigError, "[arguments] expected a value behind {}, got none", args[i]);
    found->set(out, found->value ? args[++i] : std::string());
  }
  PARE_CHECK(out.help || !out.model.empty(), ConfigError, "[arguments] expected a model file, got none. See pare-run --help");
  PARE_CHECK(out.image.empty() || out.input.empty(), ConfigError, "[arguments] expected either --image or --input, got both");
  return out;
}

}  // namespace pare

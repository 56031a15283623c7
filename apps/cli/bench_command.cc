// SPDX-License-Identifier: Apache-2.0
//
// llama-bench's questions, answered beside what the machine could do at best. Rows appear at the
// end, all together; each is told on standard error as soon as it is known.
#include <map>

#include <fmt/format.h>

#include "gemma2/error.h"

#include "atomic_file.h"
#include "bench_output.h"
#include "bench_runner.h"
#include "commands.h"
#include "embedded_model.h"
#include "interrupt.h"
#include "output.h"
#include "roofline_plot.h"

namespace gemma2::cli {
namespace {

BenchModel inspect_model(const std::string& path) {
  if (path.empty()) {
    if (embedded_model().empty()) {
      throw Failure(kNoModel, "no model given with -m, and this program was built without one");
    }
    return describe_model("demo", inspect(embedded_model()));
  }
  require_model_path(path);
  try {
    return describe_model(path, inspect(path));
  } catch (const Error& error) {
    throw Failure(model_status(error.code()), error.what());
  }
}

}  // namespace

ExitStatus bench_command(const Settings& settings) {
  BenchSettings wanted = settings.bench;
  if (wanted.models.empty() && !settings.model.empty()) wanted.models = {settings.model};
  const std::vector<BenchGroup> plan = plan_bench(wanted);
  std::map<std::string, BenchModel> models;
  std::size_t count = 0;
  for (const BenchGroup& group : plan) {
    count += group.tests.size();
    if (models.contains(group.model)) continue;
    const BenchModel model = inspect_model(group.model);
    require_context(plan, group.model, model.config.context_length);
    models.emplace(group.model, model);
  }
  if (!wanted.plot.empty()) require_writable("--plot", wanted.plot);  // minutes before it is needed

  const Interruptible interruptible;
  std::vector<BenchRow> rows;
  ExitStatus status = kOk;
  try {
    BenchRunner runner(settings, interruptible.token(), count);
    for (const BenchGroup& group : plan) runner.run(group, models.at(group.model), rows);
  } catch (const Interrupted&) {
    status = kInterrupted;  // what was measured by then is worth having
  }
  Output out;
  out.write(bench_text(wanted.format, rows));
  out.flush();
  if (!wanted.plot.empty() && status == kOk) write_whole("--plot", wanted.plot, roofline_svg(rows));
  return status;
}

}  // namespace gemma2::cli

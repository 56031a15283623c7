// SPDX-License-Identifier: Apache-2.0
//
// Streams, events and graphs. Work runs when it is queued, or, with Settings::late, when somebody
// waits for it; in a stream that is captured it is kept for the graph.
#include <algorithm>
#include <thread>

#include "accesses.h"
#include "host.h"

namespace gemma2::emulator {
namespace {

std::vector<CUstream_st*>& streams() {
  static std::vector<CUstream_st*> all;
  return all;
}
/// Captures that calls which wait or allocate spoil: those of one thread, or of any.
struct StrictCapture {
  CUgraph_st* graph;
  std::thread::id thread;  // none: any
};
std::vector<StrictCapture>& strict_captures() {
  static std::vector<StrictCapture> all;
  return all;
}

bool known(cudaStream_t stream) {
  return stream == nullptr || std::count(streams().begin(), streams().end(), stream) > 0;
}

void run_next(cudaStream_t stream) {
  const std::function<void()> work = std::move(stream->queue.front());
  stream->queue.pop_front();
  work();
}

void finish_event(const CUevent_st::State& state, cudaStream_t stream) {
  while (!state.done && known(stream) && stream != nullptr && !stream->queue.empty()) {
    run_next(stream);
  }
}

bool capturing(cudaStream_t stream) {
  return stream != nullptr && stream->capture != nullptr;
}

}  // namespace

cudaError_t enqueue(cudaStream_t stream, std::function<void()> work) {
  if (!known(stream)) return cudaErrorInvalidResourceHandle;
  if (stream != nullptr && stream->device != current_device()) {
    return cudaErrorInvalidResourceHandle;
  }
  if (capturing(stream)) {
    stream->capture->nodes.push_back(std::move(work));
  } else if (stream != nullptr && settings().late) {
    stream->queue.push_back(std::move(work));
  } else {
    finish(stream);
    work();
  }
  return is_lost() ? cudaErrorLaunchFailure : cudaSuccess;
}

/// The default stream waits for all that are not made otherwise.
void finish(cudaStream_t stream) {
  if (stream != nullptr) {
    while (!stream->queue.empty()) run_next(stream);
    return;
  }
  for (std::size_t i = 0; i < streams().size(); ++i) {
    if (streams()[i]->blocking) finish(streams()[i]);
  }
}

void finish_all() {
  for (std::size_t i = 0; i < streams().size(); ++i) finish(streams()[i]);
}

cudaError_t refuse_in_capture() {
  cudaError_t error = cudaSuccess;
  for (const StrictCapture& capture : strict_captures()) {
    if (capture.thread != std::thread::id() && capture.thread != std::this_thread::get_id()) {
      continue;
    }
    capture.graph->invalid = true;
    error = cudaErrorStreamCaptureUnsupported;
  }
  return error;
}

}  // namespace gemma2::emulator

using namespace gemma2::emulator;  // NOLINT: what follows is the API, in the global namespace

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  GEMMA2_EMULATED_CALL;
  if (const cudaError_t error = refuse_old_device(); error != cudaSuccess) return keep(error);
  *stream = new CUstream_st{};
  (*stream)->device = current_device();
  (*stream)->blocking = (flags & cudaStreamNonBlocking) == 0;
  streams().push_back(*stream);
  ++count().live_streams;
  return cudaSuccess;
}
cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const std::lock_guard lock(calls());
  if (stream == nullptr || !known(stream)) return keep(cudaErrorInvalidResourceHandle);
  finish(stream);
  std::erase(streams(), stream);
  delete stream;
  --count().live_streams;
  return keep(state_of_card());
}
cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  GEMMA2_EMULATED_CALL;
  if (!known(stream)) return keep(cudaErrorInvalidResourceHandle);
  if (capturing(stream)) {
    stream->capture->invalid = true;
    return keep(cudaErrorStreamCaptureUnsupported);
  }
  ++count().synchronizations;
  finish(stream);
  end_overlap();
  return keep(state_of_card());
}
cudaError_t cudaStreamQuery(cudaStream_t stream) {
  GEMMA2_EMULATED_CALL;
  if (!known(stream)) return keep(cudaErrorInvalidResourceHandle);
  if (capturing(stream)) {
    stream->capture->invalid = true;
    return keep(cudaErrorStreamCaptureUnsupported);
  }
  const bool busy = stream != nullptr && !stream->queue.empty();
  if (busy) run_next(stream);  // so that polling comes to an end
  return busy ? cudaErrorNotReady : keep(state_of_card());
}
cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned /*flags*/) {
  GEMMA2_EMULATED_CALL;
  if (!known(stream) || event == nullptr) return keep(cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr && stream != nullptr) {
    stream->capture = event->capture;  // the other stream's capture takes this one in
    return cudaSuccess;
  }
  if (!event->recorded) return cudaSuccess;
  return keep(enqueue(
      stream, [state = event->state, from = event->stream] { finish_event(*state, from); }));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned flags) {
  GEMMA2_EMULATED_CALL;
  *event = new CUevent_st{};
  (*event)->timing = (flags & cudaEventDisableTiming) == 0;
  ++count().live_events;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const std::lock_guard lock(calls());
  if (event == nullptr) return keep(cudaErrorInvalidResourceHandle);
  delete event;
  --count().live_events;
  return keep(state_of_card());
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  GEMMA2_EMULATED_CALL;
  if (event == nullptr || !known(stream)) return keep(cudaErrorInvalidResourceHandle);
  event->capture = capturing(stream) ? stream->capture : nullptr;
  if (event->capture != nullptr) return cudaSuccess;
  event->recorded = true;
  event->stream = stream;
  event->state = std::make_shared<CUevent_st::State>();
  event->state->done = false;
  return keep(enqueue(stream, [state = event->state] {
    state->done = true;
    state->when = std::chrono::steady_clock::now();
  }));
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  GEMMA2_EMULATED_CALL;
  if (event == nullptr) return keep(cudaErrorInvalidResourceHandle);
  if (event->capture != nullptr) return keep(cudaErrorStreamCaptureUnsupported);
  ++count().synchronizations;
  finish_event(*event->state, event->stream);
  return keep(state_of_card());
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  GEMMA2_EMULATED_CALL;
  if (event == nullptr) return keep(cudaErrorInvalidResourceHandle);
  if (event->state->done) return keep(state_of_card());
  if (event->stream != nullptr && known(event->stream)) run_next(event->stream);
  return cudaErrorNotReady;
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  GEMMA2_EMULATED_CALL;
  if (start == nullptr || end == nullptr || !start->recorded || !end->recorded || !start->timing ||
      !end->timing) {
    return keep(cudaErrorInvalidResourceHandle);
  }
  if (!start->state->done || !end->state->done) return cudaErrorNotReady;
  *milliseconds =
      std::chrono::duration<float, std::milli>(end->state->when - start->state->when).count();
  return cudaSuccess;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  GEMMA2_EMULATED_CALL;
  if (stream == nullptr || !known(stream)) return keep(cudaErrorStreamCaptureUnsupported);
  if (stream->capture != nullptr) return keep(cudaErrorInvalidValue);
  stream->capture = new CUgraph_st{};
  stream->began_capture = true;
  if (mode != cudaStreamCaptureModeRelaxed) {
    const bool own = mode == cudaStreamCaptureModeThreadLocal;
    strict_captures().push_back(
        {stream->capture, own ? std::this_thread::get_id() : std::thread::id()});
  }
  return cudaSuccess;
}
cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const std::lock_guard lock(calls());
  *graph = nullptr;
  if (stream == nullptr || !known(stream) || !stream->began_capture) {
    return keep(cudaErrorInvalidValue);
  }
  CUgraph_st* captured = stream->capture;
  std::erase_if(strict_captures(), [captured](const auto& one) { return one.graph == captured; });
  for (CUstream_st* joined : streams()) {
    if (joined->capture == captured) joined->capture = nullptr;
  }
  stream->began_capture = false;
  const cudaError_t state = captured->invalid ? cudaErrorStreamCaptureInvalidated : state_of_card();
  if (state != cudaSuccess) {
    delete captured;
    return keep(state);
  }
  *graph = captured;
  ++count().live_graphs;
  return cudaSuccess;
}
cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus* status) {
  GEMMA2_EMULATED_CALL;
  *status = cudaStreamCaptureStatusNone;
  if (capturing(stream)) {
    *status = stream->capture->invalid ? cudaStreamCaptureStatusInvalidated
                                       : cudaStreamCaptureStatusActive;
  }
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph,
                                 unsigned long long /*flags*/) {
  GEMMA2_EMULATED_CALL;
  if (graph == nullptr) return keep(cudaErrorInvalidValue);
  *executable =
      new CUgraphExec_st{std::make_shared<const std::vector<std::function<void()>>>(graph->nodes)};
  ++count().live_graphs;
  return cudaSuccess;
}
cudaError_t cudaGraphUpload(cudaGraphExec_t executable, cudaStream_t /*stream*/) {
  GEMMA2_EMULATED_CALL;
  return keep(executable != nullptr ? cudaSuccess : cudaErrorInvalidValue);
}
cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  GEMMA2_EMULATED_CALL;
  if (executable == nullptr) return keep(cudaErrorInvalidValue);
  ++count().graph_launches;
  return keep(enqueue(stream, [nodes = executable->nodes] {
    for (const auto& node : *nodes) node();
  }));
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  const std::lock_guard lock(calls());
  if (executable == nullptr) return keep(cudaErrorInvalidValue);
  delete executable;
  --count().live_graphs;
  return keep(state_of_card());
}
cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  const std::lock_guard lock(calls());
  if (graph == nullptr) return keep(cudaErrorInvalidValue);
  delete graph;
  --count().live_graphs;
  return keep(state_of_card());
}

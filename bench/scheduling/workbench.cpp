#include "workbench.h"

#include <nlohmann/json.hpp>

#include "base/rng.h"

namespace kilotoken::bench {
namespace {

class ModelDevice final : public Device {
 public:
  ModelDevice(const Model& model, const Setup& setup)
      : kv_(KvCache::reserve(model.kv_spec(DType::kBF16), setup.page_count).value()),
        pool_(setup.threads),
        runner_(model, kv_, pool_, clock_, setup.scheduler.max_num_batched_tokens) {
    if (setup.loop == Loop::kOverlap) async_.emplace(runner_);
  }
  const Clock& clock() const override { return clock_; }
  Runner& runner() override {
    return async_ ? static_cast<Runner&>(*async_) : static_cast<Runner&>(runner_);
  }

 private:
  const SystemClock clock_{};
  KvCache kv_;
  ThreadPool pool_;
  LocalRunner runner_;
  std::optional<AsyncRunner> async_;
};

class LawDevice final : public Device {
 public:
  LawDevice(const StepTimeLaw& law, int vocab, const Setup& setup)
      : runner_({.law = law,
                 .vocab_size = vocab,
                 .page_count = setup.page_count,
                 .page_tokens = kPageTokens},
                clock_) {}
  const Clock& clock() const override { return clock_; }
  Runner& runner() override { return runner_; }

 private:
  ManualClock clock_;
  SimulatedRunner runner_;
};

}  // namespace

Request make_request(RequestId id, int prompt_tokens, int output_tokens, int vocab) {
  Request request;
  request.id = id;
  for (int i = 0; i < prompt_tokens; ++i) {
    const double u = uniform_at(id, 3, static_cast<uint64_t>(i));
    request.prompt.push_back(static_cast<int32_t>(3 + u * (vocab - 3)));
  }
  request.sampling.max_tokens = output_tokens;
  request.sampling.ignore_eos = true;
  request.sampling.temperature = 0;
  return request;
}

// Does what the server does with a token: writes the event that carries it.
class Workbench::Sink final : public OutputSink {
 public:
  Sink(Workbench& bench, Times& times) : bench_(bench), times_(times) {}

  void on_delta(const ChoiceDelta& delta) override {
    const int64_t now_ns = bench_.device_->clock().now_ns();
    bench_.last_ns_ = now_ns;
    for (size_t i = 0; i < delta.tokens.size(); ++i) times_.token_ns.push_back(now_ns);
    bench_.output_tokens_ += static_cast<int64_t>(delta.tokens.size());
    const nlohmann::json event = {{"id", "cmpl-0123456789abcdef"},
                                  {"object", "text_completion"},
                                  {"created", 1700000000},
                                  {"model", "demo"},
                                  {"choices", {{{"index", delta.choice}, {"text", delta.text}}}}};
    bench_.published_bytes_ += ("data: " + event.dump() + "\n\n").size();
  }

 private:
  Workbench& bench_;
  Times& times_;
};

Workbench::Workbench(const Model& model, const Tokenizer* tokenizer, const Setup& setup)
    : Workbench(std::make_unique<ModelDevice>(model, setup), tokenizer, setup) {}

Workbench::Workbench(const StepTimeLaw& law, int vocab, const Setup& setup)
    : Workbench(std::make_unique<LawDevice>(law, vocab, setup), nullptr, setup) {}

Workbench::Workbench(std::unique_ptr<Device> device, const Tokenizer* tokenizer, const Setup& setup)
    : device_(std::move(device)),
      pages_(setup.page_count),
      cache_(setup.prefix_cache ? std::optional<PrefixCache>(std::in_place, pages_, kPageTokens)
                                : std::nullopt),
      timing_(setup.timing) {
  engine_ = std::make_unique<Engine>(setup.scheduler, pages_, cache_ ? &*cache_ : nullptr,
                                     device_->runner(), tokenizer, device_->clock(),
                                     static_cast<StepObserver*>(this), setup.loop);
}

Workbench::~Workbench() = default;

void Workbench::add(Request request) {
  Times& times = times_[request.id];
  times.added_ns = device_->clock().now_ns();
  if (!first_ns_) first_ns_ = times.added_ns;
  request.arrival_ns = times.added_ns;
  engine_->add(std::make_shared<const Request>(std::move(request)),
               std::make_shared<Sink>(*this, times));
}

bool Workbench::step() { return engine_->step(); }

void Workbench::on_step(const StepPlan& plan, const StepResult& result) {
  if (timing_) timing_->on_step(plan, result);
  wasted_rows_ += result.wasted_rows;
  computed_ns_ += result.compute_ns;
  ++steps_;
}

double Workbench::elapsed_ms() const {
  return static_cast<double>(last_ns_ - first_ns_.value_or(last_ns_)) * 1e-6;
}

std::vector<double> Workbench::token_ms(RequestId id) const {
  const Times& times = times_.at(id);
  std::vector<double> since;
  for (const int64_t ns : times.token_ns) {
    since.push_back(static_cast<double>(ns - times.added_ns) * 1e-6);
  }
  return since;
}

}  // namespace kilotoken::bench

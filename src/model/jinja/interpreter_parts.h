#pragma once
// Internal to the files of the interpreter.

#include <memory>
#include <string>
#include <utility>

#include "model/jinja/interpreter.h"

namespace kilotoken::jinja {

class Interpreter::Deeper {
 public:
  explicit Deeper(Interpreter& interpreter) : interpreter_(interpreter) {
    if (++interpreter_.depth_ > interpreter_.budget_.limits().call_depth) {
      --interpreter_.depth_;
      throw Raised("maximum recursion depth exceeded (limit of call depth)");
    }
  }
  ~Deeper() { --interpreter_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Interpreter& interpreter_;
};

class Interpreter::Within {
 public:
  Within(Interpreter& interpreter, std::shared_ptr<Scope> around)
      : interpreter_(interpreter), before_(interpreter.scope_) {
    auto scope = std::make_shared<Scope>();
    scope->parent = std::move(around);
    interpreter_.scope_ = std::move(scope);
  }
  ~Within() { interpreter_.scope_ = std::move(before_); }
  Within(const Within&) = delete;
  Within& operator=(const Within&) = delete;

 private:
  Interpreter& interpreter_;
  std::shared_ptr<Scope> before_;
};

class Interpreter::Capture {
 public:
  Capture(Interpreter& interpreter, std::string& out)
      : interpreter_(interpreter), before_(std::exchange(interpreter.out_, &out)) {}
  ~Capture() { interpreter_.out_ = before_; }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

 private:
  Interpreter& interpreter_;
  std::string* before_;
};

}  // namespace kilotoken::jinja

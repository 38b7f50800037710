#pragma once
// What a template's source is parsed into. Constant after parsing and shared by all renderings.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "model/jinja/operators.h"
#include "model/jinja/value.h"

namespace kilotoken::jinja {

struct Expr;
using ExprPtr = std::unique_ptr<const Expr>;

enum class CompareOp { kEqual, kUnequal, kLess, kLessEqual, kGreater, kGreaterEqual, kIn, kNotIn };

struct CallArguments {
  std::vector<ExprPtr> positional;
  std::vector<std::pair<std::string, ExprPtr>> named;
  ExprPtr more_positional;  // *args
  ExprPtr more_named;       // **kwargs
};

struct Expr {
  enum Kind {
    kConstant,
    kName,         // name; also a target
    kList,         // items
    kTuple,        // items; also a target
    kDict,         // items: key, value, key, value, ...
    kAttribute,    // items[0].name; as a target, of a namespace
    kItem,         // items[0][items[1]]
    kSlice,        // items[0][items[1]:items[2]:items[3]], null where nothing is written
    kCall,         // items[0](arguments)
    kFilter,       // items[0] | name(arguments); in filter blocks a null items[0] is the text
    kTest,         // items[0] is name(arguments)
    kNot,          // items[0]
    kNegative,     // items[0]
    kPositive,     // items[0]
    kBinary,       // items[0] op items[1]
    kConcat,       // items[0] ~ items[1] ~ ...
    kCompare,      // items[0] compare[0] items[1] compare[1] ...
    kAnd,          // items[0], items[1]
    kOr,           // items[0], items[1]
    kConditional,  // items[1] if items[0] else items[2]; null without "else"
  };
  Kind kind;
  int line;
  int height = 1;
  std::string name;
  Value constant;
  BinaryOp op = BinaryOp::kAdd;
  std::vector<CompareOp> compare;
  std::vector<ExprPtr> items;
  CallArguments arguments;
};

struct Statement;
using Body = std::vector<std::unique_ptr<const Statement>>;

// Of a macro, or of the body of a call block.
struct Signature {
  std::vector<std::string> parameters;
  std::vector<ExprPtr> defaults;  // of the last parameters
  bool uses_caller = false;
  bool uses_kwargs = false;
  bool uses_varargs = false;
};

struct Statement {
  enum Kind {
    kText,         // text
    kOutput,       // value
    kIf,           // branches, otherwise
    kFor,          // target, value, condition, recursive, body, otherwise
    kSet,          // target, value
    kSetBlock,     // target, value (a filter or null), body
    kMacro,        // text (its name), signature, body
    kCallBlock,    // value (a call), signature, body
    kFilterBlock,  // value, body
    kWith,         // assignments, body; also {% generation %}
    kBreak,
    kContinue,
  };
  struct Branch {
    ExprPtr condition;
    Body body;
  };
  Kind kind;
  int line;
  std::string text;
  ExprPtr target;
  ExprPtr value;
  ExprPtr condition;
  bool recursive = false;
  Signature signature;
  std::vector<Branch> branches;
  std::vector<std::pair<ExprPtr, ExprPtr>> assignments;
  Body body;
  Body otherwise;
};

}  // namespace kilotoken::jinja

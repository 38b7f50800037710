#pragma once
// The parts of Boost that the server is made of. What GCC gets wrong about them in sanitizer builds
// is silenced here and nowhere else. Internal to the server.

#if defined(__SANITIZE_THREAD__)
// The thread sanitizer does not know fences. Without them handlers are still ordered, by the mutex
// of the io_context's queue.
#define BOOST_ASIO_DISABLE_FENCED_BLOCK
#endif

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // an empty boost::optional is copied
#endif

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

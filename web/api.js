// What the page asks of its server: the model, the metrics, and answers as they come.

const kKey = "kilotoken.key";

export const key = {
  get: () => sessionStorage.getItem(kKey) || "",
  set: (value) => (value ? sessionStorage.setItem(kKey, value) : sessionStorage.removeItem(kKey)),
};

// An answer that is no success: `status`, and the server's own words. Status 0: no answer at all.
export class ApiError extends Error {
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

async function ask(path, options = {}) {
  const headers = { ...options.headers };
  if (key.get()) headers.authorization = `Bearer ${key.get()}`;
  let response;
  try {
    response = await fetch(path, { ...options, headers, cache: "no-store" });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(0, error.message);
  }
  if (response.ok) return response;
  const text = await response.text();
  let message = `HTTP ${response.status}`;
  try {
    message = JSON.parse(text).error.message;
  } catch {
    if (text) message += `: ${text.slice(0, 200)}`;
  }
  throw new ApiError(response.status, message);
}

export const models = async () => (await (await ask("/v1/models")).json()).data;
export const version = async () => (await (await ask("/version")).json()).version;
export const metrics = async () => (await ask("/metrics")).text();

// The data of each server-sent event, as it arrives.
async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split(/\r?\n\r?\n/);
    rest = blocks.pop();
    for (const block of blocks) {
      const data = block.split(/\r?\n/).filter((line) => line.startsWith("data:"));
      if (data.length) yield data.map((line) => line.slice(5).trimStart()).join("\n");
    }
  }
}

// Sends a conversation; yields {text}, {usage}, {finish} and {ignored} as they come, and returns
// when the answer is complete. Throws ApiError, or AbortError when `signal` ends it.
export async function* chat(body, signal) {
  const response = await ask("/v1/chat/completions", {
    method: "POST",
    signal,
    headers: { "content-type": "application/json" },
    // Counts in every piece, so that a stopped answer has them as well.
    body: JSON.stringify({
      ...body, stream: true,
      stream_options: { include_usage: true, continuous_usage_stats: true },
    }),
  });
  const ignored = response.headers.get("x-ignored-params");
  if (ignored) yield { ignored };
  let complete = false;
  try {
    for await (const data of events(response.body)) {
      if (data === "[DONE]") {
        complete = true;
        break;
      }
      const chunk = JSON.parse(data);
      if (chunk.error) throw new ApiError(500, chunk.error.message);
      if (chunk.usage) yield { usage: chunk.usage };
      const choice = chunk.choices[0];
      if (choice?.delta?.content) yield { text: choice.delta.content };
      if (choice?.finish_reason) yield { finish: choice.finish_reason };
    }
  } catch (error) {
    if (error.name === "AbortError" || error instanceof ApiError) throw error;
    throw new ApiError(0, error.message);
  }
  if (!complete) throw new ApiError(0, "incomplete");
}

// All words that the page says, in each of its languages. Keys are what index.html's data-word,
// data-title, data-hint and data-label name, and what t() is given; {0} and {1} are filled in.

const en = {
  otherLanguage: "中文",
  skip: "Skip to the message box",
  connecting: "connecting", offline: "no answer from the server", context: "{0} tokens of context",
  loading: "the model is still loading",
  running: "running", waiting: "waiting", kv: "KV used", speed: "tok/s",
  stripLabel: "Engine: {0} running, {1} waiting, {2} of the KV cache used, {3} tokens a second. Show charts",
  engine: "What the engine does", chartSpeed: "Tokens a second", chartRequests: "Requests",
  chartMemory: "KV cache used, %", generated: "generated", prompt: "prompt",
  totalGenerated: "tokens generated", totalPrompt: "prompt tokens", totalCached: "of them from the prefix cache",
  totalDone: "requests done", totalFirst: "mean time to first token",
  fresh: "New conversation", language: "Language", theme: "Light or dark", settings: "Settings",
  welcome: "Ask this machine something.",
  welcomeText: "The page, the model and every word stay here.",
  conversation: "Conversation", message: "Your message", placeholder: "Write a message",
  send: "Send", stop: "Stop", keys: "Enter sends · Shift+Enter new line · Esc stops · ↑ edits your last message",
  you: "You", answer: "Answer", copy: "Copy", copied: "Copied", retry: "Try again", edit: "Edit",
  cancel: "Cancel", resend: "Send", editLabel: "Edit your message", code: "Copy the code",
  firstToken: "first token {0}", rate: "{0} tok/s", tokens: "{0} tokens", tokensOne: "1 token",
  cached: "{0} of {1} prompt tokens cached", stopped: "stopped", lengthEnd: "ended at the token limit",
  thinking: "Waiting for the first token", ignored: "not known to this server: {0}",
  saidStart: "The answer begins.", saidEnd: "The answer is complete. {0}", saidStop: "Stopped.",
  failed: "That did not work: {0}", unreachable: "The server does not answer. Is it still running?",
  broken: "The connection broke before the answer was complete.",
  system: "System prompt", systemHint: "How the model should behave", temperature: "Temperature",
  temperatureNote: "0 always takes the likeliest token.", maxTokens: "Most tokens in an answer",
  seed: "Seed", seedNote: "The same seed and conversation give the same answer.",
  key: "API key", keyNote: "Kept in this tab only.", modelDefault: "model's own", noLimit: "no limit",
  random: "random", none: "none", defaults: "Back to defaults", done: "Done", close: "Close",
  askKey: "This server asks for a key", askKeyText: "It was started with --api-key. The key stays in this tab.",
  askKeyAgain: "That key was refused. Try another.", enter: "Continue",
  themeAuto: "Theme: as the system", themeLight: "Theme: light", themeDark: "Theme: dark",
  suggestions: ["Tell me a story about a fox.", "Write a short poem about rain.",
    "Explain what a KV cache is.", "What is 7 plus 5?"],
};

const zh = {
  otherLanguage: "English",
  skip: "跳到输入框",
  connecting: "正在连接", offline: "服务器没有响应", context: "上下文 {0} 个 token",
  loading: "模型仍在加载",
  running: "运行中", waiting: "等待中", kv: "KV 占用", speed: "token/秒",
  stripLabel: "引擎：{0} 个运行中，{1} 个等待中，KV 缓存占用 {2}，每秒 {3} 个 token。显示图表",
  engine: "引擎状态", chartSpeed: "每秒 token 数", chartRequests: "请求数",
  chartMemory: "KV 缓存占用（%）", generated: "生成", prompt: "提示",
  totalGenerated: "已生成 token", totalPrompt: "提示 token", totalCached: "其中来自前缀缓存",
  totalDone: "已完成请求", totalFirst: "首个 token 平均耗时",
  fresh: "新对话", language: "语言", theme: "浅色或深色", settings: "设置",
  welcome: "向这台机器提问。",
  welcomeText: "页面、模型和每一个字都留在本机。",
  conversation: "对话", message: "你的消息", placeholder: "输入消息",
  send: "发送", stop: "停止", keys: "Enter 发送 · Shift+Enter 换行 · Esc 停止 · ↑ 编辑上一条消息",
  you: "你", answer: "回答", copy: "复制", copied: "已复制", retry: "重新生成", edit: "编辑",
  cancel: "取消", resend: "发送", editLabel: "编辑你的消息", code: "复制代码",
  firstToken: "首个 token {0}", rate: "{0} token/秒", tokens: "{0} 个 token", tokensOne: "1 个 token",
  cached: "提示 {1} 个 token 中 {0} 个来自缓存", stopped: "已停止", lengthEnd: "达到长度上限",
  thinking: "正在等待首个 token", ignored: "服务器不认识的参数：{0}",
  saidStart: "开始回答。", saidEnd: "回答完毕。{0}", saidStop: "已停止。",
  failed: "出错了：{0}", unreachable: "服务器没有响应。它还在运行吗？",
  broken: "连接在回答完成之前中断。",
  system: "系统提示", systemHint: "希望模型如何表现", temperature: "温度",
  temperatureNote: "0 表示总是选最可能的 token。", maxTokens: "回答的最大 token 数",
  seed: "随机种子", seedNote: "相同的种子和对话得到相同的回答。",
  key: "API 密钥", keyNote: "只保存在当前标签页。", modelDefault: "模型默认", noLimit: "不限",
  random: "随机", none: "无", defaults: "恢复默认", done: "完成", close: "关闭",
  askKey: "此服务器需要密钥", askKeyText: "服务器以 --api-key 启动。密钥只保存在当前标签页。",
  askKeyAgain: "密钥被拒绝，请换一个。", enter: "继续",
  themeAuto: "主题：跟随系统", themeLight: "主题：浅色", themeDark: "主题：深色",
  suggestions: ["讲一个关于狐狸的故事。", "写一首关于雨的短诗。", "解释什么是 KV 缓存。", "7 加 5 等于几？"],
};

export const languages = { en, zh };

let current = en;

// The reader's choice, or else the browser's language if it is one of ours.
export function pick(saved) {
  const wanted = saved || (navigator.language || "en").slice(0, 2);
  return wanted in languages ? wanted : "en";
}

export function t(key, ...values) {
  const word = current[key];
  if (word === undefined) throw new Error(`no word "${key}"`);
  return values.reduce((text, value, i) => text.replaceAll(`{${i}}`, value), word);
}

// Puts one language's words everywhere that the page names them.
export function speak(language) {
  current = languages[language];
  document.documentElement.lang = language === "zh" ? "zh-CN" : language;
  for (const node of document.querySelectorAll("[data-word]")) node.textContent = t(node.dataset.word);
  for (const node of document.querySelectorAll("[data-hint]")) node.placeholder = t(node.dataset.hint);
  for (const node of document.querySelectorAll("[data-label]")) {
    node.setAttribute("aria-label", t(node.dataset.label));
  }
  for (const node of document.querySelectorAll("[data-title]")) {
    node.title = t(node.dataset.title);
    node.setAttribute("aria-label", node.title);
  }
}

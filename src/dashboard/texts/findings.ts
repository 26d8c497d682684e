/** What is wrong, and what to do; see health.ts. */
export const FINDING_TEXTS = {
  "finding.stopping": { en: "The server is stopping", zh: "服务器正在停止" },
  "advice.stopping": {
    en: "It takes nothing new and finishes what it has.",
    zh: "不再接受新操作，正在完成已有操作。",
  },
  "finding.starting": { en: "The server is starting", zh: "服务器正在启动" },
  "advice.starting": {
    en: "It takes operations when its plugins are ready.",
    zh: "插件就绪后开始接受操作。",
  },
  "finding.server_full": {
    en: "The memory for all queues is {share} full",
    zh: "全部队列的内存已用 {share}",
  },
  "advice.server_full": {
    en: "At its bound every plugin answers BUSY: see which one fills it, or raise max_queue_bytes.",
    zh: "达到上限后所有插件都会返回 BUSY：请查明占用者，或提高 max_queue_bytes。",
  },
  "finding.disk_full": {
    en: "The journals' disk space is {share} full",
    zh: "日志文件的磁盘空间已用 {share}",
  },
  "advice.disk_full": {
    en: "At its bound nothing is accepted: let workers work it off, or raise max_disk.",
    zh: "达到上限后不再接受操作：请让工作线程处理积压，或提高 max_disk。",
  },
  "finding.certificate": {
    en: "The certificate of {listener} ends in {time}",
    zh: "{listener} 的证书将在 {time} 后到期",
  },
  "advice.certificate": {
    en: "Renew its file: it is taken over without a restart.",
    zh: "请更新证书文件，无需重启即可生效。",
  },
  "finding.slow_loop": {
    en: "The main thread was held up for {time} within the last minute",
    zh: "主线程在最近一分钟内停顿了 {time}",
  },
  "advice.slow_loop": {
    en: "Give the machine more cores, or set realtime = true.",
    zh: "请增加 CPU 核心，或设置 realtime = true。",
  },
  "finding.forward": { en: "{to} cannot be reached", zh: "无法连接 {to}" },
  "advice.forward": {
    en: "Requests for {names} fail until it answers.",
    zh: "在其恢复之前，对 {names} 的请求会失败。",
  },
  "finding.journal": {
    en: "{plugin} takes nothing: its journal refuses",
    zh: "{plugin} 不接受操作：日志文件拒绝写入",
  },
  "advice.journal": { en: "{problem}", zh: "{problem}" },
  "finding.full": { en: "{plugin} is full and answers BUSY", zh: "{plugin} 队列已满，正在返回 BUSY" },
  "advice.full": {
    en: "Give it more workers or a larger queue, or see what holds them up.",
    zh: "请增加工作线程或队列上限，或查看是什么阻塞了处理。",
  },
  "finding.no_worker": { en: "No worker of {plugin} can work", zh: "{plugin} 没有可用的工作线程" },
  "advice.no_worker": {
    en: "Its log says why they end. What is queued waits; after a mend, reload.",
    zh: "日志中有它们退出的原因。排队的操作会等待；修复后请重新加载。",
  },
  "advice.no_worker.why": {
    en: "{problem}. What is queued waits; after a mend, reload.",
    zh: "{problem}。排队的操作会等待；修复后请重新加载。",
  },
  "finding.failing": { en: "{plugin} fails {share}{since}", zh: "{plugin} 失败率 {share}{since}" },
  "finding.since": { en: " since {time}", zh: "（自 {time} 起）" },
  "advice.failing": { en: "See its failures by message.", zh: "请按消息查看其失败。" },
  "finding.unhealthy": {
    en: ["{n} worker of {plugin} cannot do its work", "{n} workers of {plugin} cannot do their work"],
    zh: "{plugin} 有 {n} 个工作线程无法工作",
  },
  "advice.unhealthy": {
    en: "The plugin's own health check says why; see its workers.",
    zh: "插件的健康检查说明了原因，请查看其工作线程。",
  },
  "finding.full_soon": {
    en: "{plugin} is full in {time} at the present rates",
    zh: "按当前速率，{plugin} 将在 {time}后队列已满",
  },
  "advice.full_soon": {
    en: "Give it more workers, or raise its bound.",
    zh: "请增加工作线程，或提高其上限。",
  },
  "finding.fills": { en: "The queue of {plugin} is {share} full", zh: "{plugin} 的队列已用 {share}" },
  "advice.fills": { en: "When it is full, it answers BUSY.", zh: "队列满后将返回 BUSY。" },
  "finding.oldest": { en: "{plugin}: the oldest waits {time}", zh: "{plugin}：最早的操作已等待 {time}" },
  "advice.oldest": {
    en: "Its workers are slower than what comes; more of them may help.",
    zh: "处理速度低于到达速度，增加工作线程可能有帮助。",
  },
  "finding.spinning": { en: "{plugin} was found spinning", zh: "发现 {plugin} 陷入死循环" },
  "advice.spinning": {
    en: "Its code does not give way; see its slow operations in the log.",
    zh: "其代码没有让出执行权，请在日志中查看慢操作。",
  },
  "finding.cleanup": {
    en: "{plugin} cannot remove old files of its journal",
    zh: "{plugin} 无法删除旧的日志文件",
  },
  "advice.cleanup": { en: "{problem}", zh: "{problem}" },
  "finding.paused_empty": { en: "{plugin} is paused", zh: "{plugin} 已暂停" },
  "advice.paused_empty": {
    en: "It goes on accepting, and nothing is handed to workers.",
    zh: "仍接受操作，但不会交给工作线程。",
  },
  "finding.paused": {
    en: ["{plugin} is paused, {n} waits", "{plugin} is paused, {n} wait"],
    zh: "{plugin} 已暂停，{n} 个操作在等待",
  },
  "advice.paused": { en: "Resume it when its work may go on.", zh: "可以继续工作时请恢复。" },
  "finding.dead": {
    en: ["{plugin} has {n} dead letter", "{plugin} has {n} dead letters"],
    zh: "{plugin} 有 {n} 个死信",
  },
  "advice.dead": {
    en: "They have failed for good: send them again, or drop them.",
    zh: "它们已最终失败：请重新发送或丢弃。",
  },
  "go.failures": { en: "Failures", zh: "查看失败" },
  "go.plugin": { en: "Open {plugin}", zh: "打开 {plugin}" },
  "state.bad": { en: "Trouble", zh: "故障" },
  "state.warn": { en: "Watch", zh: "注意" },
  "state.working": { en: "Working", zh: "工作中" },
  "state.idle": { en: "Idle", zh: "空闲" },
  "state.paused": { en: "Paused", zh: "已暂停" },
  "state.full": { en: "Full", zh: "已满" },
  "state.down": { en: "Down", zh: "停止" },
  "state.failing": { en: "Failing", zh: "失败中" },
} as const;

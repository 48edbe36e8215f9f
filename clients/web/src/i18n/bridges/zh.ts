import type { BridgeTexts } from "./en";

export const bridges: BridgeTexts = {
  states: { connecting: "正在连接", connected: "已连接", degraded: "不稳定", down: "已断开", login: "需要登录", disabled: "已停用", waiting: "等待验证码", ended: "已结束", unknown: "由其他节点维护" },
  reasons: { stale: "时间太久", too_large: "太大", late_edit: "编辑太迟", tiny_edit: "只改了一两个字母", not_on_irc: "IRC 不支持", unsupported: "Slack 不支持", not_linked: "频道未连接", forbidden: "不允许", direct_message: "写给桥接本身", bad_request: "格式不符", not_found: "所指消息不存在", limited: "短时间内太多", other: "其他原因" },
  room: {
    title: "桥接", to: (place) => `已连到 ${place}`, here: (n) => `那边有 ${n} 人`, roster: (place) => `${place} 中的人`, more: "显示更多", muted: "已在此静音", away: (why) => (why === "away" ? "离开" : `离开：${why}`), ranks: { owner: "所有者", administrator: "管理员", operator: "操作员", "half-operator": "半操作员", voice: "发言权" },
    note: (place, state) => `${place}：${state}。`, waiting: (n) => `有 ${n} 条消息等待转发。`,
    write: (who) => `私下写给 ${who}`, mute: (who) => `将 ${who} 静音`, unmute: (who) => `取消 ${who} 的静音`,
  },
  none: "还没有桥接。", noneHint: "桥接把一个房间连到 IRC 频道、Slack 频道或其他网络。", noKinds: "没有找到插件。插件位于 hearth 程序旁，或数据文件夹旁的“plugins”文件夹中。",
  add: "添加桥接", kind: "网络", name: "名称", nameHint: "简短且不再更改，例如 libera。桥接以本节点的这个用户名发言。", setup: "开始之前", addButton: "添加桥接", optional: "更多设置", hidden: "已设置，不会显示。留空则保持不变。", yes: "开启", missing: (what) => `缺少${what}。`, added: (name) => `已添加 ${name}。`,
  settings: "设置", save: "保存", saved: "已保存。桥接将用新设置重新启动。", savedLink: "已保存。连接将用新设置继续。", restart: "重新启动", restarted: "桥接正在重新启动。", disable: "停用", enable: "启用", remove: "移除", logs: "日志", actions: (name) => `${name} 的操作`,
  removeTitle: (name) => `移除 ${name}？`, removeText: "它会离开所有房间和频道，并忘记两边消息的对应关系：旧消息的编辑和删除将不再同步。",
  figures: (out, into) => `已转发 ${out}，已接收 ${into}`, queue: (n) => `${n} 条等待`, oldest: (age) => `最早的已等待${age}`, dropped: (n) => `${n} 条未转发`, heard: (when) => `最近收到于 ${when}`, since: (when) => `自 ${when}`, reconnects: (n) => `重连 ${n} 次`,
  links: "频道", privateLink: "一个私人对话", noLinks: "还没有连接频道。", link: "连接频道", room1: "房间", roomHint: "本节点的房间，或桥接已受邀的房间：#garden@node", channel: "频道", consent: "我也管理这个频道：无需验证码", linkButton: "连接", unlink: "断开", unlinkTitle: (channel) => `断开 ${channel}？`, unlinkText: "双向都不再转发。之后可以重新连接。", linked: (channel) => `已连接 ${channel}。`,
  say: "需要频道管理员同意", copy: "复制验证码", copied: "已复制", code: "验证码", ends: (when) => `验证码有效至 ${when}，不会再次显示。`, ended: (why) => `已结束：${why}`, confirmedBy: (who) => `由 ${who} 确认`, waitingSince: (when) => `等待验证码，至 ${when}`,
  logTitle: (name) => `${name} 的日志`, logEmpty: "还没有日志。", seconds: (n) => `${n} 秒`, minutes: (n) => `${n} 分钟`, hours: (n) => `${n} 小时`,
};

import { plural } from "../plural";
import type { AdminTexts } from "./en";

const p = (n: number, other: string) => plural("zh-CN", n, { other });

export const admin: AdminTexts = {
  title: "管理", denied: "只有本节点的管理员能看到此页。", users: "用户", invites: "邀请", rooms: "房间", health: "健康状况", bridges: "桥接", searchUsers: "查找用户", addUser: "添加用户", makeAdmin: "设为管理员", removeAdmin: "取消管理员", disable: "停用账号", enable: "启用账号", resetPassword: "设置新密码", disabled: "已停用", administrator: "管理员", lastSeen: "最近在线", never: "从未", created: "创建于", devices: (n) => p(n, "# 台设备"), actions: (who) => `对 ${who} 的操作`,
  disableTitle: (who) => `停用 ${who}？`, disableText: "他们会立即在所有设备上退出登录，重新启用之前无法登录。", resetTitle: (who) => `为 ${who} 设置新密码`, resetText: "他们会立即在所有设备上退出登录。请用安全的方式告知新密码。", userAdded: (who) => `${who} 现在可以登录了。`, passwordSet: "新密码已设置。", noUsers: "没有匹配的用户。", count: (n) => p(n, "# 位用户"), roomCount: (n) => p(n, "# 个房间"),
  makeInvite: "生成邀请链接", uses: "可用人数", validFor: "有效期", day: "1 天", week: "7 天", month: "30 天", forAdmin: "成为管理员", note: "备注", noteHint: "给谁用的；只有管理员能看到。", noNote: "没有备注", newLink: "请立即复制此链接，之后不再显示。", copyInvite: "复制链接", usesLeft: (n) => p(n, "还可用 # 次"), expires: (when) => `${when} 过期`, by: (who) => `由 ${who} 生成`, revoke: "撤回", revokeTitle: "撤回这个邀请？", revokeText: "链接会立即失效。", noInvites: "没有有效的邀请。", noInvitesHint: "生成一个链接，发给朋友。",
  searchRooms: "查找房间", public: "公开", private: "私密", direct: "一对一", noRooms: "没有匹配的房间。", lastMessage: "最近消息", members: "成员", room: "房间", user: "用户", refresh: "刷新", version: (v) => `版本 ${v}`,
  states: { ok: "正常", warning: "警告", failed: "失败" },
  figures: { uptime_seconds: "运行时间", memory_bytes: "内存", sessions: "会话", rooms: "房间", users: "用户", events: "事件", disk_bytes: "磁盘占用", disk_free_bytes: "磁盘剩余", goroutines: "协程", connections: "连接", disk_total_bytes: "磁盘容量", rooms_awake: "活跃房间", peers: "已知节点", peers_up: "在线节点" },
  checks: "检查", figuresTitle: "数据",

  federation: "联邦", reports: "举报",
  peers: {
    thisNode: "本节点", key: "密钥", addresses: "地址", copyKey: "复制密钥", title: "对等节点", none: "还没有其他节点。", noneHint: "为另一个节点的管理员生成链接，或用对方的链接加入。",
    node: "节点", state: "状态", trip: "往返时间", rooms: "房间", behind: "落后", since: "起始", actions: (node) => `对 ${node} 的操作`,
    states: { up: "在线", connecting: "正在连接", down: "离线", blocked: "已屏蔽" },
    behindCount: (n) => p(n, "# 条消息"), inStep: "已同步", ms: (n) => `${n} 毫秒`, gossip: "由 gossip 发现",
    block: "屏蔽节点", unblock: "解除屏蔽", forget: "忘记节点",
    blockTitle: (node) => `屏蔽 ${node}？`, blockText: "连接会立即断开。解除屏蔽之前，不接收也不发送任何内容。",
    forgetTitle: (node) => `忘记 ${node}？`, forgetText: "它的密钥不再固定：下一个使用此名称的节点会被相信。只有在确知该节点换了密钥时才这样做。",
    policy: "谁可以加入本节点的联邦", policyOpen: "开放", policyOpenHint: "任何节点都可以与本节点相连。", policyInvite: "凭邀请", policyInviteHint: "有邀请链接的节点，以及已知的节点。", policyList: "按名单", policyListHint: "只有这里列出的节点；链接不再接纳新节点。",
    alarms: "警报", noAlarms: "没有警报。", invite: "邀请节点", inviteHint: "对方管理员在其此页面粘贴链接，或运行：hearth join LINK", make: "生成节点链接", uses: "可用节点数", newLink: "请立即复制此链接，之后不再显示。", copy: "复制节点链接", copied: "链接已复制",
    join: "加入节点", joinLabel: "邀请链接或节点名称", joinHint: "对方管理员给的链接、节点名称，或 HOST:PORT。", joinButton: "加入", joining: "正在加入…", joined: (node) => `现在认识 ${node} 了。`, missingLink: "请粘贴链接或输入名称。",
  },
  report: {
    none: "没有待处理的举报。", noneHint: "大家举报的内容会显示在这里。", by: (who, when) => `由 ${who} 于 ${when} 举报`, said: (who) => `${who} 写道`, noReason: "没有说明原因", open: "显示消息", close: "结束举报", closeOf: (who) => `结束对 ${who} 的举报`, closed: "举报已结束。", gone: "内容已被抹除。", count: (n) => p(n, "# 个待处理的举报"),
  },
};

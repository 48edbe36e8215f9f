import type { Dictionary } from "./en";
import { plural } from "./plural";

const p = (n: number, other: string) => plural("zh-CN", n, { other });

export const zh: Dictionary = {
  app: { name: "Hearth", skip: "跳到消息", loading: "正在加载…", tagline: "在自己的节点上畅聊。" },

  common: {
    cancel: "取消", close: "关闭", save: "保存", saved: "已保存", retry: "重试", copy: "复制", copied: "已复制",
    back: "返回", more: "更多", search: "搜索", remove: "移除", yes: "是", no: "否", none: "无", loadMore: "加载更多",
    you: "我", online: "在线", offline: "离线", unknownUser: "某人",
    shownOf: (n, total) => `${total} 中的 ${n}`,
  },

  signIn: {
    invalidInvite: "此邀请链接已过期、已用完或已撤回。请索取新的链接；如果已有账号，请登录。",
    title: "登录", welcome: "欢迎回来", username: "用户名", password: "密码", submit: "登录", busy: "正在登录…",
    noAccount: "第一次来？", create: "创建账号", needInvite: "本节点凭邀请链接加入。请向已在这里的人索取。",
    closed: "本节点不接受新账号。",
    ended: "你已退出登录，请重新登录。",
    missingUsername: "请输入用户名。", missingPassword: "请输入密码。",
  },

  connection: {
    webtransport: "WebTransport", websocket: "WebSocket", connecting: "正在连接…", offline: "离线",
    connectedBy: (transport) => `通过 ${transport} 连接`,
    banner: "离线。消息会留在这里，节点恢复后自动发送。",
    retryIn: (s) => p(s, "# 秒后重试。"),
    retrying: "正在重试…", retryNow: "立即重试",
  },

  rooms: {
    title: "房间", people: "联系人", invites: "邀请", filter: "筛选房间", newRoom: "新建房间", find: "查找房间", newConversation: "新建对话",
    switch: "切换房间", switchHint: "输入房间或联系人的名称", noMatch: "没有这个名称的房间。试试“查找房间”。",
    unread: (n) => p(n, "# 条未读消息"), mentions: (n) => p(n, "# 次提及"),
    empty: "还没有房间。", emptyHint: "新建一个，或者查找对所有人开放的房间。", invitedBy: (who) => `${who} 邀请了你`, accept: "接受", decline: "拒绝",
    muted: "已静音", account: "账号与设置", settings: "设置", admin: "管理", signOut: "退出登录", signOutTitle: "退出登录？", signOutText: "草稿和尚未发送的消息会从本设备移除。", choose: "选择一个房间",
    welcome: "欢迎", welcomeHint: "新建一个房间并邀请别人，或者查找对所有人开放的房间。", make: "新建一个房间", look: "找一个房间", chooseHint: "在左侧选择房间，或按 Ctrl K 快速跳转。", menu: "添加", unnamed: "未命名的房间", last: (who, text) => `${who}：${text}`,
    showList: "返回房间列表", requests: (n) => p(n, "# 个请求"), blocked: "你屏蔽的人",
  },

  room: {
    members: "成员", pins: "置顶消息", search: "搜索", info: "房间详情", thread: "话题串", memberCount: (n) => p(n, "# 位成员"),
    jumpDate: "跳到日期", jumpTo: "显示此日起的消息", jump: "跳转", beginning: (room) => `这里是 ${room} 的开端。`, beginningHint: "说点什么，开个头吧。",
    beginningDirect: (who) => `这里是你与 ${who} 对话的开端。`, more: "房间菜单", details: "详情", noTopic: "没有话题",
    joinFirst: "你还不在这个房间里。", join: "加入房间", invited: (who) => `${who} 邀请你加入这个房间。`, notFound: "无法打开这个房间。",
    notFoundHint: "它可能是私密的，或者链接有误。请向里面的人索取邀请。", closePanel: "关闭面板",
    waiting: (n, home) => p(n, `# 项更改正等待房间的主节点 ${home}。`), frozen: (why) => `此房间只能阅读：${why}`, joining: (node) => `正在加入：${node} 正在发送房间…`, asked: "已提出：房间的主节点恢复连接后生效。", unaccepted: (who) => `${who} 还没有接受这个对话。接受后会看到你写的内容。`, deserted: "这里已经没有别人了：没有人会看到你写的内容。", strangerTitle: "陌生人的邀请", stranger: (who) => `${who} 邀请你。你们没有共同的房间。`,
  },

  timeline: {
    label: "消息", newest: "跳到最新", newCount: (n) => p(n, "# 条新消息"), unread: "新消息", unreadLine: "以下是新消息",
    loadingOlder: "正在加载更早的消息…", loadingNewer: "正在加载更新的消息…", edited: "已编辑", showEdits: "查看以前的版本", deleted: "消息已删除",
    deletedBy: (who) => `消息已被 ${who} 删除`, pinned: "已置顶", replyTo: (who) => `回复 ${who}`, quoteDeleted: "一条已删除的消息", quoteGone: "较早的消息",
    thread: (n) => p(n, "# 条回复"), threadLast: (when) => `最近 ${when}`, openThread: "打开话题串",
    threadReply: (who, n) => (n === 1 ? `${who} 在话题串中回复` : p(n, `${who} 等人在话题串中回复了 # 条`)), waiting: "等待发送", sending: "正在发送…", failed: "未发送。", retry: "重试", discard: "丢弃",
    seenBy: (names) => `已读：${names}`, seenMore: (n) => `+${n}`, typing1: (a) => `${a} 正在输入…`, typing2: (a, b) => `${a} 和 ${b} 正在输入…`, typingMany: "多人正在输入…",
    article: (who, when) => `${who}，${when}`, reactedWith: (names, emoji) => `${names} 回应了 ${emoji}`, reaction: (emoji, n) => p(n, `${emoji}，# 人`),
    addReaction: "添加回应", copyCode: "复制代码", expand: (n) => p(n, "显示 # 条动态"), collapse: "收起", edits: "以前的版本", original: "原文", version: (n) => `第 ${n} 版`, current: "当前",
    announce: (who, text) => `${who}：${text}`, and: (n) => p(n, "另外 # 人"), loadFailed: "消息加载失败。",
    reached: (n, of) => p(of, `已到达其他 # 个节点中的 ${n} 个`), blocked: "来自你屏蔽的人的消息。", show: "显示", hide: "隐藏",
    sentEarlier: "较早发送", arrived: (when) => `到达时间：${when}`,
    voided: "别人看不到这条消息：在房间主节点收到之前，你已失去在此发言的权限。",
  },
  actions: {
    label: "消息操作", react: "回应", reply: "回复", thread: "在话题串中回复", edit: "编辑", delete: "删除", pin: "置顶", unpin: "取消置顶", copyText: "复制文字", copyLink: "复制链接", more: "更多操作", report: "举报", about: (who) => `关于 ${who}`,
    deleteTitle: "删除这条消息？", deleteText: "房间里的人会看到有消息被删除，但看不到内容。", linkCopied: "链接已复制", textCopied: "文字已复制",
  },

  system: {
    create: (a) => `${a} 创建了房间`, join: (a) => `${a} 加入了`, bridge: (a, place) => `${a} 将本房间连到 ${place}：这里说的话那边也能看到`, leave: (a) => `${a} 离开了`, invite: (a, b) => `${a} 邀请了 ${b}`, kick: (a, b) => `${a} 移出了 ${b}`,
    ban: (a, b) => `${a} 封禁了 ${b}`, unban: (a, b) => `${a} 解除了对 ${b} 的封禁`, role: (a, b, r) => `${a} 将 ${b} 设为${r}`,
    name: (a, v) => `${a} 将房间命名为“${v}”`, topic: (a, v) => `${a} 设置了话题：${v}`, topicCleared: (a) => `${a} 清除了话题`, alias: (a, v) => `${a} 设置了地址 #${v}`, avatar: (a) => `${a} 更换了房间头像`,
    public: (a) => `${a} 将房间设为公开`, private: (a) => `${a} 将房间设为私密`, settings: (a) => `${a} 修改了房间设置`, pin: (a) => `${a} 置顶了一条消息`, unpin: (a) => `${a} 取消了一条置顶`,
    joined: (names) => `${names}加入了`, left: (names) => `${names}离开了`, reason: (text, why) => `${text}：${why}`, nodeban: (a, n) => `${a} 封禁了节点 ${n}`, nodeunban: (a, n) => `${a} 解除了对节点 ${n} 的封禁`, stewards: (a, n) => `${a} 设置了房间的管事：${n}`, unknown: (a) => `${a} 做了本页面不认识的更改`,
  },

  composer: {
    label: "消息", placeholder: (room) => `发消息到 ${room}`, threadPlaceholder: "在话题串中回复", send: "发送", saveEdit: "保存", emoji: "表情", formatting: "格式帮助", replying: (who) => `回复 ${who}`, editing: "正在编辑你的消息", cancelReply: "取消回复", cancelEdit: "取消编辑",
    tooLong: (kb) => `这条消息有 ${kb} KB，最多 64 KB。请缩短或分段发送。`, readonly: "你可以阅读，但不能发言。请向协管申请发言权限。", hint: "Enter 发送，Shift+Enter 换行", completions: "建议",
    room: "房间里的所有人", notJoined: "加入房间后才能发言。",
  },
  files: {
    label: "文件", attach: "添加文件", drop: "拖放文件到此处即可添加", uploading: (name: string) => `正在上传 ${name}`, remove: (name: string) => `移除 ${name}`, tooMany: (n: number) => `一条消息最多可带 ${n} 个文件。`,
    save: (name: string, size: string) => `保存 ${name}，${size}`, keep: "保存", open: (name: string) => `打开图片 ${name}`, fetching: "正在获取…",
  },
  emoji: {
    title: "表情", search: "搜索表情", recent: "最近使用", none: "没有这个名称的表情。",
    groups: ["笑脸", "人物", "", "自然", "食物", "旅行", "活动", "物品", "符号", "旗帜"],
  },

  members: {
    title: "成员", search: "查找成员", invite: "邀请", banned: "已封禁", invited: "已邀请", kick: "移出房间", ban: "封禁", unban: "解除封禁", role: "角色", write: "写消息", none: "这里没有叫这个名字的人。", reason: "原因（可选）", actions: (who) => `对 ${who} 的操作`,
    kickTitle: (who) => `将 ${who} 移出房间？`, banTitle: (who) => `封禁 ${who}？`, kickText: "房间公开或再次受邀时，他们可以重新加入。", banText: "解除封禁之前，他们不能回来。", uninvite: "撤回邀请", inviteTitle: "邀请成员", inviteSent: (who) => `已邀请 ${who}`, filter: "显示",
    roles: { owner: "所有者", administrator: "管理员", moderator: "协管", member: "成员", readonly: "只读" },
  },
  thread: { title: "话题串", empty: "还没有回复。来写第一条吧。" },

  notify: { mention: (who, room) => `${who} 在 ${room} 提到了你`, message: (who, room) => `${who}（${room}）` },

  errors: {
    generic: "操作没有成功。请稍后再试。", unreachable: "无法连接到节点。请检查网络后重试。", copyFailed: "浏览器阻止了复制。请选中文字手动复制。", tooLarge: "文件太大。",
    exact: (sentence, own) => `${sentence}（${own}）`,
    codes: {
      bad_request: "请求有误，请检查填写的内容。", unauthenticated: "用户名或密码不正确，或登录已失效。", forbidden: "你没有权限这样做。", not_found: "没有找到，或者你无权查看。", taken: "这个名称已被占用，请换一个。", too_large: "内容太大，请缩短或换小一点的文件。", gone: "内容已被删除。", disabled: "此账号已停用，请联系管理员。",
      conflict: "与当前状态冲突，请刷新后再试。", protocol: "页面与节点的版本不一致，请刷新页面。", busy: "节点正忙，请稍后再试。", limited: "操作太频繁，请稍等片刻再试。", storage_full: "节点磁盘空间不足，请联系管理员。", unavailable: "节点正在启动或停止，请稍后再试。", internal: "节点内部出错，请稍后再试；日志中有原因。",
    },
  },
};

import { plural } from "../plural";
import type { NodesTexts } from "./en";

const p = (n: number, other: string) => plural("zh-CN", n, { other });

export const nodes: NodesTexts = {
  unreachable: (node) => `现在无法连接到 ${node}。请检查名称，或稍后再试。`,

  find: {
    hint: "输入词语，或房间的完整地址：#garden@other.example", node: "在哪个节点上", nodeHint: "不填则为本节点。", asking: (node) => `正在询问 ${node}…`,
    byAddress: (node) => `按地址加入房间，将请求 ${node} 让你进入。`, noneThere: (node) => `${node} 上没有匹配的公开房间。`, noneThereHint: "非公开的房间需要邀请才能加入。",
  },
  people: {
    hint: "输入名字的开头，或完整地址：name@other.example", elsewhere: (node) => `在 ${node}`, write: (user) => `给 ${user} 写消息`, invite: (user) => `邀请 ${user}`, asking: (node) => `正在询问 ${node}…`,
    none: "本节点上没有叫这个名字的人。其他节点的人要用完整地址查找。",
  },

  link: {
    title: (node) => `${node} 向另一个节点发出的邀请`, hint: "它是给 Hearth 节点管理员的：在那个节点的“管理 › 联邦”中粘贴，或在其数据所在处运行：", copy: "复制链接", copied: "链接已复制", go: "前往本节点页面",
  },

  room: {
    title: "节点", alone: "只有本节点参与。其他节点有人加入后就会参与。", here: "本节点", home: "主节点", homeHint: "决定谁是成员、谁有什么权限", steward: "管事", stewardHint: "可以成为房间的主节点", banned: "已封禁", up: "在线", down: "离线", inStep: "已同步",
    behind: (n) => p(n, "落后 # 条消息"), members: (n) => p(n, "# 位成员"), trip: (ms) => `${ms} 毫秒`, frozen: (why) => `不再接收它的内容：${why}`, actions: (node) => `对 ${node} 的操作`,
    addSteward: "设为管事", removeSteward: "取消管事", removeStewardTitle: (node) => `取消 ${node} 的管事？`, removeStewardText: "它不再参与决定房间的成员和权限。",
    ban: "封禁节点", unban: "解除封禁", banOther: "封禁其他节点", banTitle: (node) => `禁止 ${node} 参与本房间？`, banOtherTitle: "禁止一个节点参与本房间", banText: "它的所有成员会被移出，也不再收到房间的内容。解除封禁之前，那里的人都不能加入。", name: "节点名称", reason: "原因（可选）", missing: "请输入节点名称。",
    stewardsHint: "有三个或更多管事时，失去一个，房间的规则依然有效。",
  },

  notices: {
    title: "未被接受的消息", seen: "知道了",
    text: (n, room, when, text, why) => `${n === 1 ? `你于 ${when} 在 ${room} 发送的消息未被接受` : `你在 ${room} 有 ${n} 条消息未被接受，第一条发送于 ${when}`}${why && `：${why}`}。“${text}”`,
    why: {
      kick: "消息到达前你已被移出房间", ban: "消息到达前你已被封禁", role: "消息到达前你已失去发言权限", leave: "消息到达前你已离开房间", nodeban: "消息到达前本节点已被该房间封禁",
    },
  },

  requests: {
    hint: "来自与你没有共同房间的人的邀请。", conversation: (who) => `${who} 想给你写消息`, room: (who) => `${who} 邀请你加入房间`, accept: "接受", decline: "拒绝", more: (who) => `关于 ${who} 的更多操作`, blockUser: (who) => `屏蔽 ${who}`, blockNode: (node) => `屏蔽 ${node}`,
    declineAll: (n) => p(n, "全部拒绝（#）"), from: (node) => `来自 ${node}`, someFailed: (n) => p(n, "有 # 个未能拒绝。"),
  },

  person: {
    title: "个人资料", node: "节点", here: "本节点", write: "写消息", block: "屏蔽", unblock: "解除屏蔽", blockNode: (node) => `屏蔽 ${node} 的所有人`, unblockNode: (node) => `解除对 ${node} 的屏蔽`, blocked: "你已屏蔽此人：其消息会折叠。", nodeBlocked: (node) => `你已屏蔽 ${node}：那里的人的消息会折叠。`, copy: "复制地址", copied: "地址已复制", disabled: "此账号已停用。",
  },

  blocks: {
    title: "已屏蔽", hint: "被屏蔽的人写的内容会为你折叠，他们也不能邀请你。他们不会得知。", none: "你没有屏蔽任何人。", add: "屏蔽某人", addHint: "name@node 表示一个人，节点名称表示那里的所有人。", block: "屏蔽", unblock: "解除屏蔽", unblockOf: (who) => `解除对 ${who} 的屏蔽`, wholeNode: "整个节点", wrong: "请输入 name@node 或节点名称。", done: (who) => `已屏蔽 ${who}。`,
  },

  report: {
    title: "举报这条消息？", text: "消息和你的理由会发给本节点和房间主节点的管理员。作者不会得知。", reason: "有什么问题？", left: (n) => p(n, "还可输入 # 个字符"), send: "提交举报", sent: "已举报，谢谢。", about: (who) => `${who} 写道`,
  },
};

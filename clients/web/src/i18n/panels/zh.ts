import { plural } from "../plural";
import type { PanelsTexts } from "./en";

const p = (n: number, other: string) => plural("zh-CN", n, { other });

export const panels: PanelsTexts = {
  newRoom: {
    title: "新建房间", name: "名称", nameHint: "大家看到的名称，例如“花园”。", alias: "地址", aliasHint: "简短且唯一，例如 garden。可以不填。",
    topic: "话题", public: "公开", publicHint: "任何人都能找到并加入，包括其他节点的人。", private: "私密", privateHint: "只有受邀的人才能看到。",
    invite: "邀请成员", create: "创建房间", missingName: "请给房间起个名称。", visibility: "谁可以加入",
    badAlias: "请用小写字母、数字、点、连字符或下划线。", removeInvite: (who) => `不邀请 ${who}`,
  },
  find: {
    title: "查找房间", label: "搜索公开房间", join: "加入", open: "打开", members: (n) => p(n, "# 位成员"),
    none: "没有匹配的公开房间。", noneHint: "换个词试试，或者自己新建一个。", noTopic: "还没有话题",
  },
  conversation: { title: "新建对话", label: "查找联系人", start: (who) => `给 ${who} 写消息` },
  pins: { none: "没有置顶消息。", noneHint: "从消息菜单中置顶，大家就能在这里找到。", open: "在房间中显示" },
  searchPanel: { label: "搜索消息", here: "本房间", everywhere: "所有房间", scope: "范围", results: (n) => p(n, "# 条结果"), none: "没有找到。", noneHint: "少用几个词，或换个词试试。", start: "搜索说过的话，任何语言都可以。", indexing: "搜索索引还在更新，较新的消息可能缺失。" },
  info: {
    title: "房间详情", name: "名称", topic: "话题", alias: "地址", public: "公开：任何人都能找到并加入，包括其他节点的人", picture: "头像", changePicture: "更换头像", save: "保存更改", notifications: "通知", all: "所有消息", mentions: "仅提及", nothing: "不通知", leave: "离开房间", leaveTitle: "离开这个房间？", leaveText: "你将看不到它的消息。如果房间是私密的，需要有人邀请才能回来。",
    leaveConversation: "离开对话", created: (who) => `由 ${who} 创建`, about: "关于", id: "房间 ID", copyLink: "复制房间链接", home: (node) => `由 ${node} 排序`, direct: "两个人之间的对话",
  },
  format: { title: "格式", type: "输入", get: "效果", bold: "粗体", italic: "斜体", strike: "删除线", code: "代码", link: "链接", quote: "引用", list: "列表项", block: "代码块", mention: "提及", emoji: "表情", emote: "*挥手*", emoteHint: "动作", newline: "换行" },
};

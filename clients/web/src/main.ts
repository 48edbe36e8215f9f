// The page's entry: one client, one tree of views.
import { createClient } from "./client/client";
import { mount } from "./ui/mount";

const root = document.getElementById("root");
if (!root) throw new Error("index.html has no #root");
mount(root, createClient());

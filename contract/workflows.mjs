// Ask GitHub's own parser what it thinks of action.yml and of each workflow named on the command line.
// The first argument is action.yml: its inputs are the metadata for every `uses:` of this Action.
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import { validate } from "@actions/languageservice";
import { TextDocument } from "vscode-languageserver-textdocument";
import { parse } from "yaml";

const [actionFile, ...files] = process.argv.slice(2);
const action = parse(readFileSync(actionFile, "utf8"));
const ours = new Set(["dify-upgrade-action"]);

const actionsMetadataProvider = {
  fetchActionMetadata: async (reference) => (ours.has(reference.name) ? action : undefined),
};

let complaints = 0;
for (const file of [actionFile, ...files]) {
  const text = readFileSync(file, "utf8");
  const uri = file === actionFile ? "file:///repository/action.yml" : `file:///repository/.github/workflows/${basename(file)}`;
  const found = await validate(TextDocument.create(uri, "yaml", 1, text), { actionsMetadataProvider });
  for (const { message, range, severity } of found) {
    // Nobody is asked over the network what inputs other people's actions have.
    if (message.startsWith("Unable to resolve action")) continue;
    complaints += 1;
    console.log(`${file}:${range.start.line + 1}: ${severity === 1 ? "error" : "warning"}: ${message}`);
  }
}
console.log(`${files.length + 1} files, ${complaints} complaints`);
process.exit(complaints ? 1 : 0);

// Node.js asks for the extension of what is imported.
export default { input: "openapi.json", output: { path: "sdk", module: { extension: ".js" } } };

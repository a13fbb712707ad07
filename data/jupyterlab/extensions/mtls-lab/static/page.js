// What JupyterLab's page does for the lab beside what it does for everybody.
//
// On a narrow page it starts with its left side shut: at 360 pixels, the outline leaves 32 to the
// notebook. A button at the edge opens it, as everywhere.
//
// A saved panel is drawn again where ipywidgets has looked for it before it had read the notebook:
// on a busy machine the kernel may be connected first, and then it says "model not found" for good.
//
// Written by hand in the form in which webpack would wrap an extension: see loadComponent and
// createModule in JupyterLab's bootstrap.js and index.js. It needs nothing that is shared.

const NARROW = "(max-width: 767px)";

const LOST = "Error displaying widget: model not found";
const PATIENCE = 1500; // milliseconds until it is looked for again
const TRIES = 20; // more, and the panel is in no notebook

/** Let the cell's output that holds a node be drawn again. */
function redraw(app, node) {
    for (const { content } of app.shell.widgets("main")) {
        const cell = content?.widgets?.find((each) => each.node.contains(node));
        const outputs = cell?.outputArea?.model;
        for (let at = 0; at < (outputs?.length ?? 0); at += 1) {
            const output = outputs.get(at).toJSON();
            if (output.data?.["application/vnd.jupyter.widget-view+json"]) outputs.set(at, output);
        }
    }
}

/** Watch for panels that were not found, and look for each again. */
function watch(app) {
    const tried = new WeakMap();
    const look = () => {
        for (const node of document.querySelectorAll(".jp-OutputArea-output.jupyter-widgets")) {
            const tries = tried.get(node) ?? 0;
            if (node.textContent !== LOST || tries >= TRIES) continue;
            tried.set(node, tries + 1);
            redraw(app, node);
        }
    };
    setInterval(look, PATIENCE);
}

const plugin = {
    id: "mtls-lab:plugin",
    autoStart: true,
    activate(app) {
        watch(app);
        app.restored.then(() => {
            if (window.matchMedia(NARROW).matches) app.shell.collapseLeft();
        });
    },
};

window._JUPYTERLAB = window._JUPYTERLAB ?? {};
window._JUPYTERLAB["mtls-lab"] = {
    init() {},
    async get() {
        return () => ({ __esModule: true, default: plugin });
    },
};

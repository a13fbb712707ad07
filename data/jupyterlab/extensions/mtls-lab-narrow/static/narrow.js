// On a narrow page JupyterLab starts with its left side shut: at 360 pixels, the outline leaves 32
// to the notebook. A button at the edge opens it, as everywhere.
//
// Written by hand in the form in which webpack would wrap an extension: see loadComponent and
// createModule in JupyterLab's bootstrap.js and index.js. It needs nothing that is shared.

const NARROW = "(max-width: 767px)";

const plugin = {
    id: "mtls-lab-narrow:plugin",
    autoStart: true,
    activate(app) {
        app.restored.then(() => {
            if (window.matchMedia(NARROW).matches) app.shell.collapseLeft();
        });
    },
};

window._JUPYTERLAB = window._JUPYTERLAB ?? {};
window._JUPYTERLAB["mtls-lab-narrow"] = {
    init() {},
    async get() {
        return () => ({ __esModule: true, default: plugin });
    },
};

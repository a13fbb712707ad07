// What a panel does in the page and ipywidgets cannot: it keeps what was opened open, its keys to
// itself and its clicks behind the choices made before them, and takes none once nothing answers
// them. One view of it is in each panel.

const OFF = "data-lm-suppress-shortcuts"; // Lumino leaves the keys of such an element alone
const FOCUSABLE = "a[href], button, input, select, summary, textarea, [tabindex]";
const MODEL = "lab-model-"; // begins the class that names the model of a panel
const ARROWS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
let groups = 0;
// Each kernel has a copy of this module, and radio buttons of one name in the page are one group.
const COPY = Math.random().toString(36).slice(2);

// --- What was opened stays open -----------------------------------------------------------------

// For each part with HTML: by key, whether the panel wrote it open, and whether it is.
const kept = new WeakMap();

const within = (nodes, kind) => [...nodes].flatMap((node) => node.nodeType !== Node.ELEMENT_NODE
    ? [] : [...(node.matches(kind) ? [node] : []), ...node.querySelectorAll(kind)]);

// Each with its key, or else with its words; a second one of the same words is another one.
function keyed(parts) {
    const seen = new Map();
    return parts.map((part) => {
        const words = part.dataset.key ?? (part.querySelector("summary") ?? part).textContent;
        seen.set(words, (seen.get(words) ?? 0) + 1);
        return [`${seen.get(words)} ${words}`, part];
    });
}

function keepOpen(content, before) {
    const known = kept.get(content) ?? new Map();
    for (const [key, part] of keyed(within(before, "details"))) {
        if (known.has(key)) known.get(key).open = part.open;
    }
    for (const [key, part] of keyed(within(content.childNodes, "details"))) {
        const wished = part.open;
        // Where the panel itself opens or closes it, that is what happens.
        if (known.get(key)?.wished === wished) part.open = known.get(key).open;
        known.set(key, { wished, open: part.open });
    }
    kept.set(content, known);
}

function keepFocus(content, before, focused) {
    const old = keyed(within(before, FOCUSABLE)).find(([, part]) => part === focused);
    if (!old || document.activeElement !== document.body) return;
    const now = keyed(within(content.childNodes, FOCUSABLE)).find(([key]) => key === old[0]);
    now?.[1].focus({ preventScroll: true });
}

// A control that is switched off loses the focus, and the keys with it: to the next one in its row.
// One that is taken away, to what it has led to.
function passOn(panel, focused) {
    if (!focused || ![focused, document.body].includes(document.activeElement)) return;
    const gone = focused.isConnected && !focused.getClientRects().length;
    const row = focused.disabled ? focused.closest(".lab-row") : null;
    const next = gone ? panel.querySelector("[data-seq]")
        : row?.querySelector("button:not(:disabled)");
    if (gone && next) next.tabIndex = -1;
    next?.focus({ preventScroll: true });
}

// --- One style sheet for all panels --------------------------------------------------------------

// Each panel brings its style sheets, and looks right on any page. This page reads each one once:
// all rules of all copies would be tried on each part of the page that changes.
function share(panel) {
    const page = panel.getRootNode();
    for (const style of panel.querySelectorAll("style:not([media])")) {
        const rules = style.textContent;
        if (!page.adoptedStyleSheets.some((sheet) => sheet.labRules === rules)) {
            const sheet = Object.assign(new CSSStyleSheet(), { labRules: rules });
            sheet.replaceSync(rules);
            page.adoptedStyleSheets.push(sheet);
        }
        style.media = "not all";
    }
}

// --- What each control is called, and whether it works -------------------------------------------

function meet(panel) {
    share(panel);
    for (const content of panel.querySelectorAll(".widget-html-content")) {
        if (!kept.has(content)) keepOpen(content, []);
    }
    for (const box of panel.querySelectorAll(".widget-radio-box")) {
        const label = box.parentElement.querySelector(".widget-label");
        box.setAttribute("role", "radiogroup");
        if (label?.textContent) box.setAttribute("aria-label", label.textContent);
        box.dataset.group ??= `lab-radio-${COPY}-${groups++}`;
        for (const radio of box.querySelectorAll("input")) radio.name = box.dataset.group;
    }
    for (const box of panel.querySelectorAll(".widget-toggle-buttons")) {
        const label = box.querySelector(".widget-label")?.textContent;
        box.setAttribute("role", "group");
        if (label) box.setAttribute("aria-label", label);
    }
    for (const button of panel.querySelectorAll(".widget-toggle-button")) {
        button.setAttribute("aria-pressed", button.classList.contains("mod-active"));
    }
    const gone = panel.classList.contains("jupyter-widgets-disconnected");
    for (const part of panel.children) part.inert = gone && !part.querySelector(".lab-stale");
}

// --- What a question covers ----------------------------------------------------------------------

const COVER = /^lab-(above|below)-\d$/;

// The cell bears the classes of its panel, and the style sheet counts from cell to cell. Nothing is
// hidden by a panel that nothing answers.
function cover(cell) {
    const panels = [...cell.querySelectorAll(".lab-panel:not(.jupyter-widgets-disconnected)")];
    const marks = (part) => [...part.classList].filter((each) => COVER.test(each));
    const wanted = panels.flatMap(marks);
    cell.classList.remove(...marks(cell).filter((each) => !wanted.includes(each)));
    cell.classList.add(...wanted);
}

// --- Keys ---------------------------------------------------------------------------------------

// Left to JupyterLab: whatever has a modifier, and Shift+Enter, which runs the cell.
const isLabs = (event) => event.ctrlKey || event.metaKey || event.altKey
    || (event.key === "Enter" && event.shiftKey);

function onKey(event) {
    const { target, key } = event;
    target.toggleAttribute(OFF, !isLabs(event));
    const group = target.closest(".widget-toggle-buttons");
    if (key === "Escape" && target.closest("[data-holding]")) return; // it puts back what is held
    if (key === "Escape") target.closest(".jp-Cell")?.focus(); // from here on, JupyterLab's keys
    else if (group && key in ARROWS && !isLabs(event)) {
        const buttons = [...group.querySelectorAll("button:not(:disabled)")];
        const next = buttons.indexOf(target) + ARROWS[key] + buttons.length;
        buttons[next % buttons.length].focus();
        event.preventDefault();
    }
}

// --- Clicks -------------------------------------------------------------------------------------

// A click waits until the kernel has answered the choices before it: ipywidgets keeps a second
// choice back while the first is on its way, and JupyterLab may send the two to two shells of one
// kernel. What would run is the choice before the one that the page shows.
const PATIENCE = 10_000; // milliseconds: an answer may be lost
const isOnItsWay = (model) => model._pending_msgs > 0
    || (model.get("children") ?? []).some(isOnItsWay);

let passing = null; // the button whose click has waited

function inTurn(box, event) {
    const button = event.target.closest(".widget-button");
    if (!button || button === passing || !isOnItsWay(box)) return;
    event.stopImmediatePropagation();
    const end = performance.now() + PATIENCE;
    const press = () => {
        if (!button.isConnected) return;
        if (isOnItsWay(box) && performance.now() < end) {
            requestAnimationFrame(press);
            return;
        }
        passing = button;
        button.click();
        passing = null;
    };
    press();
}

// --- One panel ----------------------------------------------------------------------------------

function tend(panel, manager) {
    const cell = panel.closest(".jp-Cell");
    let focused = null;
    let box = null; // the model of the panel
    const named = [...panel.classList].find((each) => each.startsWith(MODEL));
    manager?.get_model(named?.slice(MODEL.length)).then((found) => { box = found; }, () => {});
    // What is below a panel moves down for a longer result, and does not move up for a shorter one,
    // until the reader opens or closes a part of it, or gives the page another width.
    let [width, height] = [0, 0];
    const changes = new MutationObserver((records) => {
        const replaced = new Map(); // what stood there first: the rest was never seen
        for (const { target, type, removedNodes } of records) {
            if (type !== "childList" || !target.matches(".widget-html-content")) continue;
            if (target.closest(".lab-carrier")) continue; // what it brings is shown elsewhere
            if (!replaced.has(target)) replaced.set(target, removedNodes);
        }
        for (const [content, before] of replaced) {
            if (before.length) panel.style.minHeight = `${height}px`;
            keepOpen(content, before);
            keepFocus(content, before, focused);
        }
        passOn(panel, focused);
        arrive();
    });
    const arrive = () => {
        meet(panel);
        if (cell) cover(cell);
    };
    const onFocus = ({ target }) => { focused = target; };
    const free = () => { panel.style.minHeight = ""; };
    const sizes = new ResizeObserver(([{ borderBoxSize: [{ inlineSize, blockSize }] }]) => {
        if (inlineSize !== width) free();
        [width, height] = [inlineSize, blockSize];
    });
    const onClick = (event) => {
        if (event.target.closest("summary")) free();
        if (box) inTurn(box, event);
    };
    panel.addEventListener("click", onClick, true);
    sizes.observe(panel);
    panel.addEventListener("keydown", onKey, true);
    panel.addEventListener("focusin", onFocus);
    arrive();
    changes.observe(panel,
        { childList: true, subtree: true, attributes: true, attributeFilter: ["class", "disabled"] });
    return () => {
        changes.disconnect();
        sizes.disconnect();
        panel.removeEventListener("click", onClick, true);
        panel.removeEventListener("keydown", onKey, true);
        panel.removeEventListener("focusin", onFocus);
        if (cell) cover(cell);
    };
}

// A view is rendered before or after it is in the page: an element is told when it is.
if (!customElements.get("lab-live")) {
    customElements.define("lab-live", class extends HTMLElement {
        connectedCallback() {
            const panel = this.closest(".lab-panel");
            this.leave = panel && tend(panel, this.manager);
        }

        disconnectedCallback() {
            this.leave?.();
        }
    });
}

export default {
    render({ model, el }) {
        const live = document.createElement("lab-live");
        live.manager = model.widget_manager;
        el.append(live);
    },
};

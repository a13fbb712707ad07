// Things, and the places for them. A thing goes to its place in three ways: it is dragged; it is
// pressed, and then its place is; or it is picked up with Space and moved with the arrow keys. What
// happens is said in a line that a screen reader reads out.
//
// A place holds one thing, which may lie in another place as well; or it is a list with an order,
// and what is in it is no longer among the rest.

const REST = ""; // where things lie that have no place yet
const NOTHING = "(no file)"; // what an empty place says
const FAR = 6; // pixels: a pointer that moves less has pressed
const EDGE = 48; // pixels from the upper or lower end of the page, within which it scrolls
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
let views = 0; // of this sorter: each has a copy of this module

function make(name, { parent, words = "", ...attributes } = {}) {
    const element = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    // On a telephone, a line of code ends between its names.
    const pieces = name === "code" ? words.split(/(?<=[._(,=])/) : [words];
    pieces.forEach((piece, at) =>
        element.append(...(at ? [document.createElement("wbr")] : []), piece));
    parent?.append(element);
    return element;
}

const scroller = (element) => {
    for (let box = element.parentElement; box; box = box.parentElement) {
        const { overflowY } = getComputedStyle(box);
        if (/auto|scroll/.test(overflowY) && box.scrollHeight > box.clientHeight) return box;
    }
    return document.scrollingElement;
};

// What the kernel changes comes as HTML, in whichever order it and the sorter are drawn. No copy of
// this module knows another, so a sorter hears of it by an event and reads it in the page. The same
// arrangement is laid once: since then, a hand may have changed it.
const CARRIED = "lab-carried";
const laid = new Map(); // by the sorter's number: which of the arrangements was laid last

function take(model) {
    const number = model.get("number");
    const said = document.querySelector(`${CARRIED}[data-to="${number}"]`);
    if (!said) return;
    const { marks, given, value } = JSON.parse(said.dataset.state);
    model.set("marks", marks);
    if (given && laid.get(number) !== given) model.set("value", value);
    laid.set(number, given);
}

if (!customElements.get(CARRIED)) {
    customElements.define(CARRIED, class extends HTMLElement {
        connectedCallback() {
            document.dispatchEvent(new Event(CARRIED));
        }
    });
}

class Sorter {
    constructor(model, element) {
        this.model = model;
        this.id = `lab-sorter-${model.get("number")}-${views++}`;
        this.held = null; // what is on its way: {thing, from, at, target}
        this.focus = null; // the thing that the Tab key reaches
        this.told = make("p", { parent: element, class: "lab-told", role: "status" });
        this.told.textContent = model.get("hint");
        this.body = make("div", { parent: element, class: "lab-sorter" });
        this.body.setAttribute("role", "group");
        this.body.setAttribute("aria-label", model.get("label"));
        for (const kind of ["click", "keydown", "pointerdown", "focusout"]) {
            this.body.addEventListener(kind, (event) => this[kind](event));
        }
        this.change = () => {
            if (this.keeps) return;
            this.dragging?.(null);
            this.held = null;
            this.draw();
        };
        model.on("change:value change:marks", this.change);
        this.draw();
        this.take = () => take(model);
        document.addEventListener(CARRIED, this.take);
        this.take();
    }

    leave() {
        document.removeEventListener(CARRIED, this.take);
        this.dragging?.(null);
        this.model.off("change:value change:marks", this.change);
    }

    // --- What lies where ------------------------------------------------------------------------

    get places() {
        return this.model.get("places");
    }

    get isOrdered() {
        return this.places.some(({ many }) => many);
    }

    place(name) {
        return this.places.find((place) => place.name === name);
    }

    label(thing) {
        return this.model.get("things").find(({ name }) => name === thing).label;
    }

    title(place) {
        return place === REST ? this.model.get("rest") : this.place(place).label;
    }

    lying(value, place) {
        if (place !== REST) return value[place] ?? [];
        const used = this.isOrdered ? Object.values(value).flat() : [];
        return this.model.get("things").map(({ name }) => name)
            .filter((name) => !used.includes(name));
    }

    moved({ thing, from, at, target }) {
        const old = this.model.get("value");
        if (!target || (target.place === from && target.at === at)) return old;
        const value = Object.fromEntries(
            this.places.map(({ name }) => [name, [...(old[name] ?? [])]]));
        const { place } = target;
        if (this.isOrdered) {
            if (from !== REST) value[from].splice(at, 1);
            if (place !== REST) value[place].splice(target.at, 0, thing);
        } else if (place !== from) {
            if (from !== REST) value[from] = place === REST ? [] : value[place];
            if (place !== REST) value[place] = [thing];
        }
        return value;
    }

    // Where the thing that is held could go, in order.
    get targets() {
        const { thing, from, at } = this.held;
        const found = this.places.flatMap(({ name, many }) => {
            const others = this.lying(this.model.get("value"), name)
                .filter((_, index) => name !== from || index !== at);
            return many ? [...others.keys(), others.length].map((index) => [name, index])
                : [[name, 0]];
        });
        if (from !== REST) found.push([REST, 0]);
        return found.map(([place, index]) => ({ place, at: index }));
    }

    // --- What is shown --------------------------------------------------------------------------

    draw({ say, focus } = {}) {
        const { held } = this;
        const value = held ? this.moved(held) : this.model.get("value");
        const hadFocus = this.body.contains(document.activeElement);
        const stays = document.activeElement?.dataset?.key;
        this.body.replaceChildren();
        this.body.toggleAttribute("data-holding", Boolean(held));
        this.drawRest(value);
        const groups = new Map();
        for (const place of this.places) {
            if (!groups.has(place.group)) groups.set(place.group, this.drawGroup(place.group));
            this.drawPlace(groups.get(place.group), place, value);
        }
        const things = [...this.body.querySelectorAll(".lab-thing")];
        const wished = (key) => key && things.find((each) => each.dataset.key === key);
        const reached = wished(focus) ?? wished(this.focus) ?? things[0];
        this.focus = reached.dataset.key;
        reached.tabIndex = 0;
        if (focus) reached.focus({ preventScroll: true });
        else if (hadFocus) {
            this.body.querySelector(`[data-key="${CSS.escape(stays ?? "")}"]`)
                ?.focus({ preventScroll: true });
        }
        if (say) this.told.textContent = say;
    }

    drawGroup(title) {
        const box = make("div", { parent: this.body, class: "lab-places" });
        if (title) make("h5", { parent: box, words: title });
        return box;
    }

    drawRest(value) {
        const box = make("div", {
            parent: this.body, class: "lab-rest", role: "group", "data-place": REST,
            "aria-label": this.title(REST),
        });
        make("div", { parent: box, class: "lab-where", words: this.title(REST) });
        const heap = make("div", { parent: box, class: "lab-heap" });
        for (const thing of this.lying(value, REST)) this.drawThing(heap, thing, REST, 0);
        this.drawGap(heap, REST, "take it out");
    }

    drawPlace(group, place, value) {
        const { name, label, many, head, foot } = place;
        const box = make("div", {
            parent: group, class: "lab-place", "data-place": name,
            ...(many ? { role: "group", "aria-label": label } : {}),
        });
        const select = `${this.id}-${name}`;
        const where = make(many ? "div" : "label", {
            parent: box, class: "lab-where", words: label, ...(many ? {} : { for: select }),
        });
        const mark = this.model.get("marks")[name];
        if (mark) make("b", { parent: where, words: ` ${mark}` });
        const lying = this.lying(value, name);
        if (!many) {
            const slot = make("div", { parent: box, class: "lab-slot" });
            if (lying.length) this.drawThing(slot, lying[0], name, 0);
            else this.drawGap(slot, name, NOTHING);
            this.drawChoice(slot, select, name, lying[0] ?? "");
            return;
        }
        if (head) make("code", { parent: box, class: "lab-frame", words: head });
        const list = make("ol", { parent: box, class: "lab-order" });
        lying.forEach((thing, at) =>
            this.drawThing(make("li", { parent: list }), thing, name, at));
        this.drawGap(make("li", { parent: list }), name, "put the next one here");
        if (foot) make("code", { parent: box, class: "lab-frame", words: foot });
    }

    drawThing(parent, thing, place, at) {
        const { label, note, code } = this.model.get("things").find(({ name }) => name === thing);
        const isHeld = this.held?.thing === thing
            && (this.isOrdered || (this.held.target ?? { place: this.held.from }).place === place);
        const button = make("button", {
            parent, type: "button", class: "lab-thing", tabindex: -1, "aria-pressed": isHeld,
            "data-key": this.isOrdered ? thing : `${place} ${thing}`,
            "data-thing": thing, "data-at": at,
        });
        make("span", { parent: button, class: "lab-grip", words: "⠿", "aria-hidden": "true" });
        const text = make("span", { parent: button });
        make(code ? "code" : "span", { parent: text, words: label });
        if (note) make("small", { parent: text, words: note });
        if (!this.isOrdered && place !== REST) {
            make("span", { parent: text, class: "lab-unseen", words: ` in ${this.title(place)}` });
        }
    }

    // An empty place, or the end of a list: it takes a thing when one is held.
    drawGap(parent, place, words) {
        const gap = make("button", { parent, type: "button", class: "lab-gap", words });
        const fits = this.held && (place !== REST || this.held.from !== REST);
        gap.disabled = !fits;
        if (fits) gap.setAttribute("aria-label", `${words}: ${this.title(place)}`);
    }

    // The same by a list of choices.
    drawChoice(parent, id, place, chosen) {
        const select = make("select", { parent, id, "data-key": `choice ${place}` });
        const things = this.model.get("things").map(({ name, label }) => [name, label]);
        for (const [name, label] of [["", NOTHING], ...things]) {
            make("option", { parent: select, value: name, words: label });
        }
        select.value = chosen;
        select.addEventListener("change", () => {
            const lies = select.value ? [select.value] : [];
            this.keep({ ...this.model.get("value"), [place]: lies }, {});
        });
    }

    // --- What is said ---------------------------------------------------------------------------

    position({ place, at }, value) {
        if (place === REST || !this.place(place).many) return this.title(place);
        const lying = this.lying(value, place);
        return `${this.title(place)}, ${at + 1} of ${lying.length}`;
    }

    // --- One thing on its way -------------------------------------------------------------------

    pick(button) {
        const { thing, at, key } = button.dataset;
        const from = button.closest("[data-place]").dataset.place;
        this.held = { thing, from, at: Number(at), key, target: null };
        this.draw({
            say: `${this.label(thing)} is picked up: press its place, or use the arrow keys `
                + "and Space. Escape puts it back.",
            focus: key,
        });
    }

    step(by) {
        const { targets, held } = this;
        const now = held.target ?? { place: held.from, at: held.at };
        const index = targets.findIndex(({ place, at }) => place === now.place && at === now.at);
        const next = index < 0 && by < 0 ? targets.length - 1 : index + by;
        held.target = targets[(next + targets.length) % targets.length];
        const value = this.moved(held);
        this.draw({
            say: `${this.label(held.thing)}: ${this.position(held.target, value)}. `
                + "Space puts it there.",
            focus: this.keyOf(held.thing, held.target.place),
        });
    }

    keyOf(thing, place) {
        return this.isOrdered ? thing : `${place} ${thing}`;
    }

    cancel() {
        const { thing, key } = this.held;
        this.held = null;
        this.draw({ say: `${this.label(thing)} stays where it was.`, focus: key });
    }

    drop(target) {
        const { held } = this;
        held.target = target;
        const value = this.moved(held);
        if (value === this.model.get("value")) {
            this.cancel();
            return;
        }
        this.held = null;
        const where = this.position(target, value);
        const said = target.place === REST
            ? `${this.label(held.thing)} is taken out.`
            : `${this.label(held.thing)} is now here: ${where}.`;
        this.keep(value, { say: said, focus: this.keyOf(held.thing, target.place) });
    }

    keep(value, told) {
        this.keeps = true;
        this.model.set("value", value);
        this.keeps = false;
        this.model.save_changes();
        this.draw(told);
    }

    // What a press or a pointer at this element means for the thing that is held.
    targetAt(element) {
        const box = element?.closest("[data-place]");
        if (!box || !this.body.contains(box)) return null;
        const { place } = box.dataset;
        const { held } = this;
        if (place === REST) return held.from === REST ? null : { place, at: 0 };
        if (!this.place(place).many) return { place, at: 0 };
        const others = this.lying(this.model.get("value"), place)
            .filter((_, index) => place !== held.from || index !== held.at);
        const before = element.closest(".lab-thing")?.dataset.thing;
        const at = others.indexOf(before);
        return { place, at: at < 0 ? others.length : at };
    }

    // --- The hand -------------------------------------------------------------------------------

    click({ target, detail }) {
        if (this.dragged && detail) {
            this.dragged = false;
            return;
        }
        if (target.closest("select")) return;
        const button = target.closest(".lab-thing");
        if (!this.held) {
            if (button) this.pick(button);
        } else if (button?.getAttribute("aria-pressed") === "true") {
            if (this.held.target) this.drop(this.held.target);
            else this.cancel();
        } else {
            const place = this.targetAt(target);
            if (place) this.drop(place);
            else if (button) this.pick(button);
        }
    }

    keydown(event) {
        const { key, target } = event;
        if (event.ctrlKey || event.metaKey || event.altKey || target.closest("select")) return;
        const button = target.closest(".lab-thing");
        if (key === "Escape" && this.dragging) this.dragging(null);
        else if (key === "Escape" && this.held) this.cancel();
        else if (key in STEPS && this.held) this.step(STEPS[key]);
        else if (key in STEPS && button) this.go(button, STEPS[key]);
        else if (key === "Delete" && button && !this.held) this.takeOut(button);
        else return;
        event.preventDefault();
    }

    go(button, by) {
        const things = [...this.body.querySelectorAll(".lab-thing")];
        const next = things[(things.indexOf(button) + by + things.length) % things.length];
        button.tabIndex = -1;
        next.tabIndex = 0;
        this.focus = next.dataset.key;
        next.focus();
    }

    takeOut(button) {
        if (button.closest("[data-place]").dataset.place === REST) return;
        this.pick(button);
        this.drop({ place: REST, at: 0 });
    }

    focusout({ relatedTarget }) {
        if (this.held && !this.dragging && relatedTarget && !this.body.contains(relatedTarget)) {
            this.held = null;
            this.draw({ say: this.model.get("hint") });
        }
    }

    // A finger drags by the grip: elsewhere, it scrolls the page.
    pointerdown(event) {
        this.dragged = false;
        const { target, button, pointerType, pointerId, clientX, clientY } = event;
        const thing = target.closest(".lab-thing");
        if (!thing || button !== 0) return;
        if (pointerType === "touch" && !target.closest(".lab-grip")) return;
        const page = scroller(this.body);
        const top = page.scrollTop;
        let over = null;
        const lit = (element) => {
            over?.classList.remove("lab-over");
            over = element;
            over?.classList.add("lab-over");
        };
        const move = ({ clientX: x, clientY: y }) => {
            if (!this.dragged) {
                if (Math.hypot(x - clientX, y - clientY) < FAR) return;
                this.dragged = true;
                thing.classList.add("lab-dragged");
                this.held = {
                    thing: thing.dataset.thing, key: thing.dataset.key,
                    from: thing.closest("[data-place]").dataset.place,
                    at: Number(thing.dataset.at), target: null,
                };
                this.body.toggleAttribute("data-holding", true);
                thing.focus({ preventScroll: true });
            }
            const { top: upper, bottom: lower } = page.getBoundingClientRect();
            if (y < Math.max(upper, 0) + EDGE) page.scrollBy(0, -EDGE / 4);
            if (y > Math.min(lower, innerHeight) - EDGE) page.scrollBy(0, EDGE / 4);
            thing.style.transform =
                `translate(${x - clientX}px, ${y - clientY + page.scrollTop - top}px)`;
            const below = document.elementFromPoint(x, y);
            const target = this.targetAt(below);
            this.held.target = target;
            const box = below?.closest("[data-place]");
            lit(target ? below.closest(".lab-thing") ?? box.querySelector(".lab-gap") ?? box : null);
        };
        const end = (last) => {
            for (const [kind, act] of acts) thing.removeEventListener(kind, act);
            this.dragging = null;
            if (!this.dragged) return;
            lit(null);
            if (last?.type === "pointerup" && this.held?.target) this.drop(this.held.target);
            else if (this.held) this.cancel();
            else this.draw();
        };
        const acts = [["pointermove", move], ["pointerup", end], ["pointercancel", end]];
        this.dragging = end;
        thing.setPointerCapture(pointerId); // now: the first move may be beyond its edge already
        for (const [kind, act] of acts) thing.addEventListener(kind, act);
    }
}

export default {
    render({ model, el }) {
        const sorter = new Sorter(model, el);
        return () => sorter.leave();
    },
};

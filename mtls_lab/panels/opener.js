// Tells the panel which rungs of its ladder are open, and puts there what it answers.

const RUNG = ".lab-ladder details[data-key]";

if (!customElements.get("lab-opener")) {
    customElements.define("lab-opener", class extends HTMLElement {
        connectedCallback() {
            const panel = this.closest(".lab-panel");
            if (!panel) return;
            const onToggle = ({ target }) => {
                if (!target.matches(RUNG)) return;
                const waits = target.querySelector(".lab-said[data-waits]") !== null;
                this.model.send({ key: target.dataset.key, open: target.open, waits });
            };
            panel.addEventListener("toggle", onToggle, true); // it does not bubble
            this.leave = () => panel.removeEventListener("toggle", onToggle, true);
        }

        disconnectedCallback() {
            this.leave?.();
        }
    });
}

// What the panel answers. It is HTML, which reaches the page whenever the page has time for it.
if (!customElements.get("lab-answer")) {
    customElements.define("lab-answer", class extends HTMLElement {
        connectedCallback() {
            const { ladder, rung } = this.dataset;
            const said = this.closest(".lab-panel")?.querySelector(
                `.lab-ladder[data-ladder="${ladder}"] details[data-key="${CSS.escape(rung)}"]`
                + " > .lab-said[data-waits]");
            if (!said) return; // the panel shows another handshake by now, or it is there
            said.append(...this.childNodes);
            said.removeAttribute("data-waits");
        }
    });
}

export default {
    render({ model, el }) {
        const opener = document.createElement("lab-opener");
        opener.model = model;
        el.append(opener);
    },
};

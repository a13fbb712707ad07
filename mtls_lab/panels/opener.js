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
            const onAnswer = ({ page, key, html }) => {
                const ladder = panel.querySelector(`.lab-ladder[data-ladder="${page}"]`);
                const said = ladder?.querySelector(
                    `details[data-key="${CSS.escape(key)}"] > .lab-said[data-waits]`);
                if (!said) return; // the panel shows another handshake by now, or it is there
                said.insertAdjacentHTML("beforeend", html);
                said.removeAttribute("data-waits");
            };
            panel.addEventListener("toggle", onToggle, true); // it does not bubble
            this.model.on("msg:custom", onAnswer);
            this.leave = () => {
                panel.removeEventListener("toggle", onToggle, true);
                this.model.off("msg:custom", onAnswer);
            };
        }

        disconnectedCallback() {
            this.leave?.();
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

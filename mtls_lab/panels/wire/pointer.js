// Tells the panel which byte of a dump was clicked.

if (!customElements.get("lab-pointer")) {
    customElements.define("lab-pointer", class extends HTMLElement {
        connectedCallback() {
            const panel = this.closest(".lab-panel");
            if (!panel) return;
            const onClick = ({ target, clientX }) => {
                const code = target.closest(".lab-dump code");
                if (!code || !getSelection().isCollapsed) return; // it was selected, to be copied
                const text = new Range();
                text.selectNodeContents(code);
                const { left, width } = text.getBoundingClientRect();
                const letter = Math.floor((clientX - left) / width * text.toString().length);
                const row = code.parentElement;
                const inRow = code.matches("i + code") ? Math.floor(letter / 3) : letter;
                const at = parseInt(row.querySelector("i").textContent, 16) + inRow;
                this.model.send({ unit: code.closest("[data-unit]").dataset.unit, at });
            };
            panel.addEventListener("click", onClick);
            this.leave = () => panel.removeEventListener("click", onClick);
        }

        disconnectedCallback() {
            this.leave?.();
        }
    });
}

export default {
    render({ model, el }) {
        const pointer = document.createElement("lab-pointer");
        pointer.model = model;
        el.append(pointer);
    },
};

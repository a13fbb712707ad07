// Starts reveal.js, after it has given each slide the largest letters with which all is in view.

const WIDTH = 1200;
const HEIGHT = 640;
const LARGEST = 1.3;
// Smaller than this, nobody in the last row can read it: then the slide scrolls.
const SMALLEST = 0.7;

function overfull(slide) {
    const printed = [...slide.querySelectorAll("pre")];
    return slide.scrollHeight > HEIGHT || printed.some((pre) => pre.scrollWidth > pre.clientWidth);
}

function fit(slide) {
    slide.classList.add("sheet");
    slide.style.cssText = `display: block; position: static; width: ${WIDTH}px; height: ${HEIGHT}px`;
    let size = LARGEST;
    const resize = () => slide.style.setProperty("--fit", size.toFixed(2));
    for (resize(); overfull(slide) && size > SMALLEST; resize()) {
        size -= 0.02;
        // A line of output that is too long at the usual size goes on in the next line.
        slide.classList.toggle("wraps", size <= 1);
    }
    if (overfull(slide)) {
        slide.tabIndex = 0;  // so that it can be scrolled with the keyboard
    }
    slide.style.cssText = `--fit: ${size.toFixed(2)}`;
}

for (const stack of document.querySelectorAll(".slides > section")) {
    stack.style.display = "block";
    stack.querySelectorAll("section").forEach(fit);
    stack.style.display = "";
}

Reveal.initialize({
    width: WIDTH,
    height: HEIGHT,
    margin: 0.05,
    center: false,
    hash: true,
    navigationMode: "linear",  // the arrow to the right goes everywhere
    slideNumber: "c/t",
    controlsTutorial: false,
    transition: "none",
    pdfSeparateFragments: false,
    plugins: [RevealNotes],
});

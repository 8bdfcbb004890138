// Looks from inside the page when the frame that an event led to is painted.
//
// An event's clock begins when the browser takes it in (event.timeStamp), not when the page hears of it: a page that is
// behind shows. It ends after the frame that follows: layout, paint and the raster of the canvases are in it. The next
// event is sent at once, so that a compositor that falls behind holds it up, and is seen too.
(() => {
  const channel = new MessageChannel();
  let waiting = [];
  let began = null;
  let last = null;
  channel.port1.onmessage = () => {
    last = performance.now() - began;
    began = null;
    for (const tell of waiting.splice(0)) tell(last);
  };
  window.painted = {
    arm(type) {
      last = null;
      window.addEventListener(type, (event) => {
        began = event.timeStamp;
        requestAnimationFrame(() => requestAnimationFramePost());
      }, { capture: true, once: true });
    },
    wait: () => (last !== null ? Promise.resolve(last) : new Promise((tell) => waiting.push(tell))),
    // What of the view can have changed: where the sheet lies, and how large it is.
    view: () => [...document.querySelectorAll(".bench-sheet")].map((one) => one.style.transform + one.width).join() +
      document.getElementById("zoom").textContent,
    opened: null,
  };
  const requestAnimationFramePost = () => channel.port2.postMessage(null);
  document.addEventListener("DOMContentLoaded", () => {
    const canvas = document.getElementById("canvas");
    if (!canvas) return;
    const watch = new MutationObserver(() => {
      if (canvas.dataset.ready !== "true") return;
      watch.disconnect();
      const end = new MessageChannel();
      end.port1.onmessage = () => { window.painted.opened = performance.now() / 1000; };
      requestAnimationFrame(() => end.port2.postMessage(null));
    });
    watch.observe(canvas, { attributes: true });
  });
})();

{
  const tell = (words) => dash_clientside.set_props("live-message", { children: words });
  // What is shown is of another photo until the next one is predicted from.
  const fade = () => dash_clientside.set_props("live-sheet", { className: "faded" });

  // What cannot be taken is told of before it is read.
  const check = (event, files) => {
    const drop = event.target.closest && event.target.closest("#live-drop");
    if (!drop || !files || !files.length) return;
    const limit = Number(drop.dataset.limit);
    const { name, size } = files[0];
    const count = files.length;
    if (count === 1 && size <= limit * 2 ** 20) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (event.target.type === "file") event.target.value = "";
    fade();
    tell(count > 1 ? `${count} files were dropped; one photo at a time.`
      : `${name} is larger than ${limit} MiB; scale it down first.`);
  };
  document.addEventListener("change", (event) => check(event, event.target.files), true);
  document.addEventListener("drop", (event) => check(event, event.dataTransfer && event.dataTransfer.files), true);

  const reasons = {
    NotAllowedError: "The browser may not use the camera here; allow it beside the address, or drop a photo instead.",
    NotFoundError: "There is no camera on this machine; drop a photo instead.",
    NotReadableError: "Another program is using the camera; close it, or drop a photo instead.",
  };
  let stream = null;
  const close = () => {
    if (stream) stream.getTracks().forEach((track) => track.stop());
    stream = null;
    const view = document.getElementById("live-camera-view");
    if (view) view.hidden = true;
  };

  Object.assign(window.dash_clientside.explorer, {
    // What is to be predicted from: each choice is another one, even of the same file again.
    choosePhoto(contents, building, sample, filename) {
      const { no_update: same, callback_context: context } = dash_clientside;
      const at = performance.now();
      if (context.triggered_id === "live-upload" && !contents) return [same, same];
      fade();
      tell("");
      if (context.triggered_id === "live-upload") return [{ contents, filename, at }, null];
      if (context.triggered_id === "live-building" && building) return [{ building, at }, same];
      return [{ at }, same];
    },

    async openCamera(clicks) {
      if (!clicks) return "";
      if (!navigator.mediaDevices) {
        tell("The browser lends its camera to this machine's own address or to https only; drop a photo instead.");
        return "";
      }
      close();
      try {
        stream = await navigator.mediaDevices.getUserMedia({ video: true });
      } catch (error) {
        tell(reasons[error.name] || `The camera cannot be used (${error.message}); drop a photo instead.`);
        return "";
      }
      const video = document.getElementById("live-video");
      if (!video) return close(), "";
      video.srcObject = stream;
      document.getElementById("live-camera-view").hidden = false;
      // The light goes out when one leaves the page.
      const left = new MutationObserver(() => video.isConnected || (left.disconnect(), close()));
      left.observe(document.getElementById("page"), { childList: true });
      return "on";
    },

    takePicture(clicks) {
      const video = document.getElementById("live-video");
      if (!clicks || !stream || !video.videoWidth) return "";
      const canvas = document.createElement("canvas");
      canvas.width = video.videoWidth;
      canvas.height = video.videoHeight;
      canvas.getContext("2d").drawImage(video, 0, 0);
      const contents = canvas.toDataURL("image/png");
      dash_clientside.set_props("live-upload", { contents, filename: "webcam.png", last_modified: Date.now() });
      return "";
    },

    closeCamera(clicks) {
      if (clicks) close();
      return "";
    },
  });
}

// Pictures are unpacked when they come near the window.
for (const image of page.all("img[data-picture]")) {
  page.later(image, async () => {
    const bytes = await page.bytes(image.dataset.picture);
    const type = image.dataset.type === "svg" ? "image/svg+xml" : `image/${image.dataset.type}`;
    image.src = URL.createObjectURL(new Blob([bytes], { type }));
  });
}

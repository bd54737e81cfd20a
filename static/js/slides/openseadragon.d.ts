// What these pages use of OpenSeadragon, which static/vendor has.

interface OsdPoint { x: number; y: number }
interface OsdRect { x: number; y: number; width: number; height: number }

interface OsdViewport {
  getBounds(current?: boolean): OsdRect;
  viewportToImageRectangle(bounds: OsdRect): OsdRect;
  imageToViewportRectangle(x: number, y: number, width: number, height: number): OsdRect;
  viewportToImageZoom(zoom: number): number;
  getZoom(current?: boolean): number;
  pointFromPixel(pixel: OsdPoint): OsdPoint;
  viewportToImageCoordinates(point: OsdPoint): OsdPoint;
  fitBounds(bounds: OsdRect): void;
  zoomBy(factor: number): void;
  applyConstraints(): void;
  goHome(): void;
}

interface OsdViewer {
  viewport: OsdViewport;
  canvas: HTMLElement;
  container: HTMLElement;
  addHandler(name: string, handler: (event: any) => void): void;
  setMouseNavEnabled(enabled: boolean): void;
}

declare const OpenSeadragon: {
  (options: Record<string, unknown>): OsdViewer;
  Point: new (x: number, y: number) => OsdPoint;
};

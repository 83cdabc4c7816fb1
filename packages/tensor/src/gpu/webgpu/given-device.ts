/** A device that a caller has, by what tells it from other objects: whoever uses no WebGPU needs no types of it. */

/** A GPUDevice: TypeScript's own (6.0 and later, with the DOM library), or that of the package @webgpu/types. */
export interface GivenDevice {
  readonly limits: { readonly maxBufferSize: number; readonly maxStorageBufferBindingSize: number };
  readonly lost: Promise<{ readonly message: string }>;
  readonly queue: object;
  createBuffer(descriptor: never): object;
  createComputePipelineAsync(descriptor: never): Promise<object>;
  destroy(): void;
}

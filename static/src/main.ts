// The workbench is wired here.
export {};

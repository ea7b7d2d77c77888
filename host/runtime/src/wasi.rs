//! The system interface (WASI 0.2) that components of other languages import without being asked: an empty
//! one. No files, no environment, no network; the date stands still, time passes only as far as a plugin waits for it, and
//! random numbers always are the same, so that a plugin stays a function of its input. What is written to standard output
//! and standard error goes to the log.
//!
//! Only what a component imports is defined. A function that has no empty answer ends the call that used
//! it, and is named.

use std::sync::Arc;

use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, LinkerInstance, Resource, ResourceType, Val};
use wasmtime::{Result, StoreContextMut};

use crate::output::OutputStream;

/// What the host keeps for the answers.
pub(crate) trait WasiHost: 'static {
    /// Takes what was written to standard output or standard error.
    fn print(&mut self, stream: OutputStream, bytes: &[u8]);
    /// The monotonic clock, in nanoseconds.
    fn clock(&mut self) -> &mut u64;
    /// The next of a fixed sequence of numbers.
    fn random(&mut self) -> u64;
}

/// Ended a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WasiError {
    /// The plugin gave up.
    #[error("exited")]
    Exit,
    /// Plugins do not get this function.
    #[error("{0}")]
    UnsupportedFunction(String),
}

/// Any resource of the system: none of them is more than a number.
struct WasiResource;

/// Handles of streams; every other resource is 0.
const STDOUT: u32 = 1;
const STDERR: u32 = 2;

/// Bytes that may be written, or random bytes that may be asked for, at a time.
const MAX_CHUNK_BYTES: u64 = 64 << 10;

/// 2000-01-01T00:00:00Z.
const FIXED_TIME: u64 = 946_684_800;

/// Defines what `component` imports of the system interface.
///
/// # Errors
/// When an import cannot be defined at all: it is no instance of functions and types.
pub(crate) fn add_to_linker<T: WasiHost>(linker: &mut Linker<T>, component: &Component) -> Result<()> {
    let engine = linker.engine().clone();
    for (name, import) in component.component_type().imports(&engine) {
        let (true, ComponentItem::ComponentInstance(instance)) = (name.starts_with("wasi:"), import.ty)
        else {
            continue;
        };
        let mut target = linker.instance(name)?;
        for (item, export) in instance.exports(&engine) {
            match export.ty {
                ComponentItem::ComponentFunc(_) => define_function(&mut target, name, item)?,
                ComponentItem::Resource(_) => {
                    target.resource(item, ResourceType::host::<WasiResource>(), |_, _| Ok(()))?;
                }
                _ => {}
            }
        }
    }
    Ok(())
}

fn define_function<T: WasiHost>(
    target: &mut LinkerInstance<'_, T>,
    interface: &str,
    name: &str,
) -> Result<()> {
    // Versions within 0.2 differ in nothing that is answered here.
    let interface = interface.split('@').next().unwrap_or(interface);
    let full: Arc<str> = format!("{interface}/{name}").into();
    target.func_new(name, move |mut store, _, arguments, results| {
        let mut handles = Vec::new();
        for argument in arguments {
            release_handles(&mut store, argument, &mut handles)?;
        }
        let answer = dispatch(&mut store, &full, arguments, &handles)?;
        for (place, value) in results.iter_mut().zip(answer) {
            *place = value;
        }
        Ok(())
    })
}

/// Gives back the handles of an argument, and notes the numbers of their resources.
///
/// The host holds a handle of its own for each resource that a function is called with, wherever it stands in the
/// arguments. The engine ends a call in which one that is only borrowed is left, and keeps those that are owned for as long
/// as the plugin runs.
fn release_handles<T: WasiHost>(
    store: &mut StoreContextMut<'_, T>,
    argument: &Val,
    handles: &mut Vec<u32>,
) -> Result<()> {
    let parts: &mut dyn Iterator<Item = &Val> = match argument {
        Val::Resource(handle) => {
            handles.push(handle.try_into_resource::<WasiResource>(&mut *store)?.rep());
            return Ok(());
        }
        // Long lists are of bytes.
        Val::List(values) if matches!(values.first(), Some(Val::U8(_))) => return Ok(()),
        Val::List(values) | Val::Tuple(values) | Val::FixedLengthList(values) => &mut values.iter(),
        Val::Record(fields) => &mut fields.iter().map(|(_, value)| value),
        Val::Map(entries) => &mut entries.iter().flat_map(|(key, value)| [key, value]),
        Val::Variant(_, value) | Val::Option(value) | Val::Result(Ok(value) | Err(value)) => {
            &mut value.as_deref().into_iter()
        }
        _ => return Ok(()),
    };
    for part in parts {
        release_handles(store, part, handles)?;
    }
    Ok(())
}

fn dispatch<T: WasiHost>(
    store: &mut StoreContextMut<'_, T>,
    function: &str,
    arguments: &[Val],
    handles: &[u32],
) -> Result<Option<Val>> {
    let one = |value| Ok(Some(value));
    match function {
        "wasi:cli/environment/get-environment"
        | "wasi:cli/environment/get-arguments"
        | "wasi:filesystem/preopens/get-directories" => one(Val::List(Vec::new())),
        "wasi:cli/environment/initial-cwd" => one(Val::Option(None)),
        "wasi:cli/stdout/get-stdout" => one(new_resource(store, STDOUT)?),
        "wasi:cli/stderr/get-stderr" => one(new_resource(store, STDERR)?),
        "wasi:cli/stdin/get-stdin" => one(new_resource(store, 0)?),
        name if name.starts_with("wasi:cli/terminal-") => one(Val::Option(None)),
        "wasi:clocks/wall-clock/now" => one(datetime(FIXED_TIME, 0)),
        "wasi:clocks/wall-clock/resolution" => one(datetime(1, 0)),
        "wasi:clocks/monotonic-clock/now" => one(Val::U64(*store.data_mut().clock())),
        "wasi:clocks/monotonic-clock/resolution" => one(Val::U64(1)),
        // Nobody waits: that time has come.
        "wasi:clocks/monotonic-clock/subscribe-instant"
        | "wasi:clocks/monotonic-clock/subscribe-duration" => {
            let [Val::U64(time)] = arguments else { return Err(unsupported(function)) };
            let clock = store.data_mut().clock();
            *clock = match function.ends_with("instant") {
                true => (*clock).max(*time),
                false => clock.saturating_add(*time),
            };
            one(new_resource(store, 0)?)
        }
        "wasi:io/streams/[method]output-stream.subscribe"
        | "wasi:io/streams/[method]input-stream.subscribe" => one(new_resource(store, 0)?),
        "wasi:io/poll/[method]pollable.ready" => one(Val::Bool(true)),
        "wasi:io/poll/[method]pollable.block" => Ok(None),
        "wasi:io/poll/poll" => one(all_ready(arguments)),
        "wasi:io/streams/[method]output-stream.check-write" => {
            one(ok_result(Some(Val::U64(MAX_CHUNK_BYTES))))
        }
        "wasi:io/streams/[method]output-stream.write"
        | "wasi:io/streams/[method]output-stream.blocking-write-and-flush" => {
            write_stream(store, arguments, handles);
            one(ok_result(None))
        }
        "wasi:io/streams/[method]output-stream.write-zeroes"
        | "wasi:io/streams/[method]output-stream.blocking-write-zeroes-and-flush" => one(ok_result(None)),
        "wasi:io/streams/[method]output-stream.flush"
        | "wasi:io/streams/[method]output-stream.blocking-flush" => one(ok_result(None)),
        "wasi:io/streams/[method]input-stream.read"
        | "wasi:io/streams/[method]input-stream.blocking-read"
        | "wasi:io/streams/[method]input-stream.skip"
        | "wasi:io/streams/[method]input-stream.blocking-skip" => {
            one(Val::Result(Err(Some(Box::new(Val::Variant("closed".into(), None))))))
        }
        "wasi:random/random/get-random-bytes" | "wasi:random/insecure/get-insecure-random-bytes" => {
            let [Val::U64(count)] = arguments else { return Err(unsupported(function)) };
            if *count > MAX_CHUNK_BYTES {
                return Err(unsupported(&format!("{function} for {count} bytes at once")));
            }
            one(Val::List((0..*count).map(|_| Val::U8(store.data_mut().random().to_le_bytes()[0])).collect()))
        }
        "wasi:random/random/get-random-u64" | "wasi:random/insecure/get-insecure-random-u64" => {
            one(Val::U64(store.data_mut().random()))
        }
        "wasi:random/insecure-seed/insecure-seed" => {
            let pair = [store.data_mut().random(), store.data_mut().random()];
            one(Val::Tuple(pair.map(Val::U64).to_vec()))
        }
        "wasi:io/error/[method]error.to-debug-string" => one(Val::String(String::new())),
        "wasi:cli/exit/exit" | "wasi:cli/exit/exit-with-code" => Err(WasiError::Exit.into()),
        _ => Err(unsupported(function)),
    }
}

fn unsupported(function: &str) -> wasmtime::Error {
    WasiError::UnsupportedFunction(function.to_owned()).into()
}

fn new_resource<T: 'static>(store: &mut StoreContextMut<'_, T>, number: u32) -> Result<Val> {
    Ok(Val::Resource(Resource::<WasiResource>::new_own(number).try_into_resource_any(store)?))
}

fn datetime(seconds: u64, nanoseconds: u32) -> Val {
    Val::Record(vec![("seconds".into(), Val::U64(seconds)), ("nanoseconds".into(), Val::U32(nanoseconds))])
}

fn ok_result(value: Option<Val>) -> Val {
    Val::Result(Ok(value.map(Box::new)))
}

/// Everything that a plugin could wait for has happened.
fn all_ready(arguments: &[Val]) -> Val {
    let count = match arguments {
        [Val::List(pollables)] => pollables.len(),
        _ => 0,
    };
    Val::List((0..count).filter_map(|index| u32::try_from(index).ok()).map(Val::U32).collect())
}

fn write_stream<T: WasiHost>(store: &mut StoreContextMut<'_, T>, arguments: &[Val], handles: &[u32]) {
    let (Some(stream), Some(Val::List(bytes))) = (handles.first(), arguments.last()) else { return };
    let bytes: Vec<u8> =
        bytes.iter().filter_map(|byte| if let Val::U8(byte) = byte { Some(*byte) } else { None }).collect();
    let stream = if *stream == STDERR { OutputStream::Stderr } else { OutputStream::Stdout };
    store.data_mut().print(stream, &bytes);
}

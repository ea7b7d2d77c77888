//! The host's model of an OPKG as the records of the plugin interface.

/// The conversions of the model that all versions of the interface share: where it is expanded, `wit` is the module of a
/// version's bindings with the names of the newest one, `$script` the name of a field, and `$attributes` the fields that only
/// some versions have.
macro_rules! model_to_wit {
    (script: $script:ident, attributes: {$($attributes:tt)*}) => {
        /// The whole OPKG, nothing decided.
        pub(crate) fn opkg(opkg: &Opkg) -> wit::Opkg {
            wit::Opkg {
                at: opkg.at.0,
                name: opkg.name.clone(),
                class: match opkg.class {
                    model::Class::Core => wit::Class::Core,
                    model::Class::Base => wit::Class::Base,
                    model::Class::Included => wit::Class::Included,
                    model::Class::ThirdParty => wit::Class::ThirdParty,
                },
                summary: opkg.summary.clone(),
                description: opkg.description.clone(),
                license: opkg.license.clone(),
                groups: opkg.groups.clone(),
                uri: opkg.uri.clone(),
                authors: opkg.authors.iter().map(author).collect(),
                filter: filter(&opkg.filter),
                relations: opkg.relations.iter().map(relation).collect(),
                file_rules: opkg.file_rules.iter().map(file_rule).collect(),
                service_rules: opkg.service_rules.iter().map(service_rule).collect(),
                alternatives: opkg.alternatives.iter().map(alternative).collect(),
                triggers: opkg.triggers.iter().map(trigger).collect(),
                history: opkg.history.iter().map(history_entry).collect(),
                home: opkg.home.clone(),
                files: opkg.files.iter().map(file).collect(),
                directories: opkg
                    .directories
                    .iter()
                    .map(|it| wit::Directory {
                        part: part(it.part),
                        destination: destination(&it.destination),
                        only_arch: it.only_arch.map(str::to_owned),
                        rules: it.rules.clone(),
                    })
                    .collect(),
                tells_action: opkg.tells_action,
                source_date: timestamp(opkg.source_date),
                $($attributes)*
            }
        }


        fn author(author: &model::Author) -> wit::Author {
            wit::Author {
                role: match author.role {
                    model::Role::Upstream => wit::Role::Upstream,
                    model::Role::Maintainer => wit::Role::Maintainer,
                    model::Role::Uploader => wit::Role::Uploader,
                },
                name: author.name.clone(),
                nickname: author.nickname.clone(),
                email: author.email.clone(),
                institution: author.institution.clone(),
                first_year: author.first_year,
                last_year: author.last_year,
            }
        }

        fn part(part: model::Part) -> wit::Part {
            match part {
                model::Part::Api => wit::Part::Api,
                model::Part::Server => wit::Part::Server,
                model::Part::Client => wit::Part::Client,
            }
        }

        fn bound(bound: &model::Bound) -> wit::Bound {
            wit::Bound {
                comparison: match bound.comparison {
                    model::Comparison::Lt => wit::Comparison::Lt,
                    model::Comparison::Le => wit::Comparison::Le,
                    model::Comparison::Eq => wit::Comparison::Eq,
                    model::Comparison::Ge => wit::Comparison::Ge,
                    model::Comparison::Gt => wit::Comparison::Gt,
                },
                version: bound.version.clone(),
            }
        }

        fn filter(filter: &model::Filter) -> wit::Filter {
            let dist = |it: &model::DistFilter| wit::DistFilter {
                at: it.at.0,
                id: it.id.clone(),
                bound: it.bound.as_ref().map(bound),
            };
            wit::Filter { dists: filter.dists.iter().map(dist).collect(), archs: filter.archs.clone() }
        }

        fn relation(relation: &model::Relation) -> wit::Relation {
            wit::Relation {
                at: relation.at.0,
                scope: match relation.scope {
                    model::Scope::Part(it) => wit::Scope::Part(part(it)),
                    model::Scope::Common => wit::Scope::Common,
                    model::Scope::Whole => wit::Scope::Whole,
                },
                kind: match relation.kind {
                    model::RelationKind::Requires => wit::RelationKind::Requires,
                    model::RelationKind::PreRequires => wit::RelationKind::PreRequires,
                    model::RelationKind::Recommends => wit::RelationKind::Recommends,
                    model::RelationKind::Suggests => wit::RelationKind::Suggests,
                    model::RelationKind::Supplements => wit::RelationKind::Supplements,
                    model::RelationKind::Enhances => wit::RelationKind::Enhances,
                    model::RelationKind::Provides => wit::RelationKind::Provides,
                    model::RelationKind::Conflicts => wit::RelationKind::Conflicts,
                    model::RelationKind::Breaks => wit::RelationKind::Breaks,
                    model::RelationKind::Obsoletes => wit::RelationKind::Obsoletes,
                },
                any_of: relation.any_of.iter().map(related_package).collect(),
                filter: filter(&relation.filter),
            }
        }

        fn related_package(package: &model::RelatedPackage) -> wit::RelatedPackage {
            wit::RelatedPackage {
                at: package.at.0,
                name: match &package.name {
                    model::RelatedName::Native(name) => wit::RelatedName::Native(name.clone()),
                    model::RelatedName::Opkg { name, part: of } => {
                        wit::RelatedName::Opkg(wit::OpkgPart { name: name.clone(), part: of.map(part) })
                    }
                },
                bound: package.bound.as_ref().map(bound),
            }
        }

        fn timestamp(moment: model::Timestamp) -> wit::Timestamp {
            wit::Timestamp { seconds: moment.seconds, offset: moment.offset }
        }

        fn history_entry(release: &model::Release) -> wit::HistoryEntry {
            let change = |it: &model::Change| wit::Change {
                at: it.at.0,
                author: it.author.clone(),
                email: it.email.clone(),
                date: timestamp(it.date),
                closes: it.closes.clone(),
                items: it.items.clone(),
            };
            wit::HistoryEntry {
                version: wit::Version {
                    epoch: release.version.epoch,
                    upstream: release.version.upstream.clone(),
                    release: release.version.release.clone(),
                },
                changes: release.changes.iter().map(change).collect(),
            }
        }

        fn destination(destination: &model::Destination) -> wit::Destination {
            match destination {
                model::Destination::Path(path) => wit::Destination::Path(path.clone()),
                model::Destination::Documentation(path) => wit::Destination::Documentation(path.clone()),
            }
        }

        fn file_rule(rule: &model::FileRule) -> wit::FileRule {
            wit::FileRule {
                at: rule.at.0,
                filter: filter(&rule.filter),
                owner: rule.owner.clone(),
                group: rule.group.clone(),
                mode: rule.mode,
                directory_mode: rule.directory_mode(),
                config: rule.configuration.map(|it| match it {
                    model::Configuration::Keep => wit::ConfigKind::Keep,
                    model::Configuration::Replace => wit::ConfigKind::Replace,
                    model::Configuration::No => wit::ConfigKind::No,
                }),
                ghost: rule.is_ghost,
                capabilities: rule.capabilities.clone(),
            }
        }

        fn service_rule(rule: &model::ServiceRule) -> wit::ServiceRule {
            wit::ServiceRule {
                at: rule.at.0,
                filter: filter(&rule.filter),
                name: rule.name.clone(),
                enable: rule.enable.map(|it| match it {
                    model::Enable::Yes => wit::EnableKind::Yes,
                    model::Enable::No => wit::EnableKind::No,
                    model::Enable::Preset => wit::EnableKind::Preset,
                }),
                start: rule.is_started,
                restart_on_upgrade: rule.is_restarted,
            }
        }

        fn alternative(alternative: &model::Alternative) -> wit::Alternative {
            let link = |it: &model::AlternativeLink| wit::AlternativeLink {
                at: it.at.0,
                name: it.name.clone(),
                link: it.link.clone(),
                path: it.path.clone(),
            };
            wit::Alternative {
                main: link(&alternative.main),
                priority: alternative.priority,
                slaves: alternative.slaves.iter().map(link).collect(),
                filter: filter(&alternative.filter),
            }
        }

        fn trigger(trigger: &model::Trigger) -> wit::Trigger {
            wit::Trigger {
                at: trigger.at.0,
                path: trigger.path.clone(),
                part: trigger.part.map(part),
                filter: filter(&trigger.filter),
            }
        }

        fn account(account: &Account) -> wit::Account {
            match account {
                Account::User(user) => wit::Account::User(wit::UserAccount {
                    name: user.name.clone(),
                    uid: user.uid,
                    group: user.group.clone(),
                    description: user.description.clone(),
                    home: user.home.clone(),
                    shell: user.shell.clone(),
                }),
                Account::Group(group) => {
                    wit::Account::Group(wit::GroupAccount { name: group.name.clone(), gid: group.gid })
                }
                Account::Member { user, group } => {
                    wit::Account::Member(wit::Membership { user: user.clone(), group: group.clone() })
                }
            }
        }


        fn file(file: &model::SourceFile) -> wit::SourceFile {
            wit::SourceFile {
                at: file.at.0,
                path: file.path.clone(),
                part: part(file.part),
                destination: destination(&file.destination),
                mode: file.mode,
                size: file.size,
                sha256: file.sha256.to_vec(),
                interpreter: file.interpreter.clone(),
                link: file.link.clone(),
                configuration: file.is_configuration,
                arch: file.arch.map(str::to_owned),
                only_arch: file.only_arch.map(str::to_owned),
                rules: file.rules.clone(),
                unit: file.unit.map(|it| wit::Unit { template: it.is_template, installable: it.is_installable }),
                accounts: file.accounts.iter().map(account).collect(),
                $script: file.scriptlet.as_ref().map(|it| wit::NativeScript {
                    time: match it.time {
                        model::ScriptTime::PreInstall => wit::ScriptTime::PreInstall,
                        model::ScriptTime::PostInstall => wit::ScriptTime::PostInstall,
                        model::ScriptTime::PreUninstall => wit::ScriptTime::PreUninstall,
                        model::ScriptTime::PostUninstall => wit::ScriptTime::PostUninstall,
                        model::ScriptTime::PostTransaction => wit::ScriptTime::PostTransaction,
                        model::ScriptTime::Triggered => wit::ScriptTime::Triggered,
                    },
                    text: it.text.clone(),
                }),
                $($attributes)*
            }
        }
    };
}

/// The same of what packages are made for.
macro_rules! target_to_wit {
    (attributes: {$($attributes:tt)*}) => {
        /// What is asked for, and what the site wants of all packages.
        pub(crate) fn target(target: &Target, settings: &PackageSettings) -> wit::BuildTarget {
            let text = |label: &Option<Label>| label.as_ref().map(|label| label.as_str().to_owned());
            wit::BuildTarget {
                dist: target.dist.clone(),
                version: target.version.clone(),
                arch: target.arch.clone(),
                machine: target.default_arch.clone(),
                release_tag: match &settings.release_tag {
                    ReleaseTag::Native => wit::ReleaseTag::Native,
                    ReleaseTag::None => wit::ReleaseTag::None,
                    ReleaseTag::Custom(tag) => wit::ReleaseTag::Custom(tag.clone()),
                },
                vendor: text(&settings.vendor),
                distribution: text(&settings.distribution),
                $($attributes)*
            }
        }
    };
}

/// The same of what a package manager is told. `repository` is converted beside it.
macro_rules! manager_to_wit {
    (attributes: {$($attributes:tt)*}) => {
        pub(crate) fn place(place: &Place) -> manager::Place {
            manager::Place {
                root: place.root.clone(),
                repositories: place.repositories.iter().map(repository).collect(),
                version: place.version.clone(),
                arch: place.arch.clone(),
                available: place.available.clone(),
                $($attributes)*
            }
        }

        pub(crate) fn package_requests(requests: &[PackageRequest]) -> Vec<manager::PackageRequest> {
            let request = |request: &PackageRequest| manager::PackageRequest {
                name: request.name.clone(),
                version: request.version.clone(),
                $($attributes)*
            };
            requests.iter().map(request).collect()
        }

        fn install_state(state: &InstallState) -> manager::InstallState {
            match state {
                InstallState::Complete => manager::InstallState::Complete,
                InstallState::Incomplete(how) => manager::InstallState::Incomplete(how.clone()),
                InstallState::Residual => manager::InstallState::Residual,
            }
        }
    };
}
